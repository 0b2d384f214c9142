"""Keys of sibling services for `/internal`."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from accounts import keys as formats
from accounts.models import ServiceKey
from accounts.services import audit
from orsta.core import crypto


@dataclass(frozen=True, slots=True)
class IssuedServiceKey:
    """A new key. `text` exists in memory only: show it once, store it nowhere."""

    row: ServiceKey
    text: str = field(repr=False)


@transaction.atomic
def issue(*, source: str, now: datetime, actor: str = audit.SYSTEM) -> IssuedServiceKey:
    """Make a key that works at once.

    :param source: the service it speaks for; "" lets it speak for every one.
    """
    key = formats.mint(formats.KeyType.SERVICE_KEY)
    pepper_id, digest = crypto.digest(key.secret)
    row = ServiceKey.objects.create(
        source=source, key_id=key.key_id, digest=digest, pepper_id=pepper_id, hint=key.hint
    )
    audit.record(
        action="service_key.issued", actor=actor, now=now, target=row.public_id, source=source
    )
    return IssuedServiceKey(row, key.render())


@transaction.atomic
def revoke(*, service_key: ServiceKey, now: datetime, actor: str = audit.SYSTEM) -> None:
    """End a key for good; a revoked one stays as it is."""
    open_ = ServiceKey.objects.filter(pk=service_key.pk, revoked_at=None)
    if open_.update(revoked_at=now) == 1:
        audit.record(
            action="service_key.revoked", actor=actor, now=now, target=service_key.public_id
        )
