"""Keys of sibling services for `/internal`: made, rotated and revoked by staff."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from accounts import environment_keys
from accounts import keys as formats
from accounts.models import ServiceKey
from accounts.services import audit, tokens
from orsta.core import errors

MAX_OVERLAP = timedelta(days=7)
MAX_NAME_LENGTH = 80


class ServiceKeyEnded(errors.Conflict):
    """The service key was revoked or has expired."""

    code = "service_key_ended"


class InvalidServiceKeyInput(errors.Invalid):
    """What a service key should be makes no sense; `fields` says why."""

    code = "invalid_input"


@dataclass(frozen=True, slots=True)
class IssuedServiceKey:
    """A new key. `text` exists in memory only: show it once, store it nowhere."""

    row: ServiceKey
    text: str = field(repr=False)


@transaction.atomic
def issue(
    *,
    source: str,
    now: datetime,
    name: str = "",
    expires_at: datetime | None = None,
    actor: str = audit.SYSTEM,
) -> IssuedServiceKey:
    """Make a key that works at once.

    :param source: the service it speaks for; "" lets it speak for every one.
    :raises InvalidServiceKeyInput: a text is too long, or the expiry is past.
    """
    source, name = source.strip(), name.strip()
    _check(source=source, name=name, expires_at=expires_at, now=now)
    issued = _create(source=source, name=name, expires_at=expires_at)
    audit.record(
        action="service_key.issued",
        actor=actor,
        now=now,
        target=issued.row.public_id,
        source=source,
        name=name,
        expires_at=expires_at.isoformat() if expires_at else None,
    )
    return issued


@transaction.atomic
def rotate(
    *,
    service_key: ServiceKey,
    now: datetime,
    overlap: timedelta = timedelta(0),
    actor: str = audit.SYSTEM,
) -> IssuedServiceKey:
    """Replace a key by one for the same source; both work during the overlap.

    :param overlap: up to `MAX_OVERLAP`; none ends the old one at once.
    :raises ServiceKeyEnded: it was revoked or has expired.
    """
    old = ServiceKey.objects.select_for_update().get(pk=service_key.pk)
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
        raise ServiceKeyEnded("This service key has ended; make a new one.")
    issued = _create(source=old.source, name=old.name, expires_at=old.expires_at)
    overlap = min(overlap, MAX_OVERLAP)
    if overlap:
        ends = now + overlap
        old.expires_at = min(ends, old.expires_at or ends)
    else:
        old.revoked_at = now
    old.save(update_fields=["expires_at", "revoked_at"])
    audit.record(
        action="service_key.rotated",
        actor=actor,
        now=now,
        target=issued.row.public_id,
        replaced=old.public_id,
        source=old.source,
        overlap_seconds=int(overlap.total_seconds()),
    )
    return issued


@transaction.atomic
def revoke(*, service_key: ServiceKey, now: datetime, actor: str = audit.SYSTEM) -> None:
    """End a key for good; a revoked one stays as it is."""
    open_ = ServiceKey.objects.filter(pk=service_key.pk, revoked_at=None)
    if open_.update(revoked_at=now) == 1:
        audit.record(
            action="service_key.revoked", actor=actor, now=now, target=service_key.public_id
        )


def _check(*, source: str, name: str, expires_at: datetime | None, now: datetime) -> None:
    rules = {
        "source": len(source) > environment_keys.MAX_SOURCE_LENGTH,
        "name": len(name) > MAX_NAME_LENGTH,
        "expires_at": expires_at is not None and expires_at <= now,
    }
    sentences = {
        "source": f"Use up to {environment_keys.MAX_SOURCE_LENGTH} characters.",
        "name": f"Use up to {MAX_NAME_LENGTH} characters.",
        "expires_at": "Choose a moment in the future.",
    }
    problems = {field: [sentences[field]] for field, broken in rules.items() if broken}
    if problems:
        raise InvalidServiceKeyInput("The input has errors; see the fields.", fields=problems)


def _create(*, source: str, name: str, expires_at: datetime | None) -> IssuedServiceKey:
    key = formats.mint(formats.KeyType.SERVICE_KEY)
    row = ServiceKey.objects.create(
        source=source, name=name, expires_at=expires_at, **tokens.stored(key)
    )
    return IssuedServiceKey(row, key.render())
