"""Find the row of a credential by the text that somebody presents."""

import hmac
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Q, QuerySet

from accounts import keys
from accounts.models import ApiKey, LoginSession, ServiceKey
from accounts.models.credentials import Credential
from orsta.core import crypto

USE_PRECISION = timedelta(minutes=1)  # last_used_at is written no more often than this

_CredentialT = TypeVar("_CredentialT", bound=Credential)


def find(rows: QuerySet[_CredentialT], text: str, type_: keys.KeyType) -> _CredentialT | None:
    """Return the row among `rows` that the text opens: one query, none if it is malformed."""
    key = parse(text, type_)
    if key is None:
        return None
    row = rows.filter(key_id=key.key_id).first()
    if row is None or not digest_is(row.digest, row.pepper_id, key.secret):
        return None
    return row


def parse(text: str, type_: keys.KeyType) -> keys.Key | None:
    """Read a credential of one type; None for anything else."""
    try:
        key = keys.parse(text)
    except keys.MalformedKey:
        return None
    return key if key.type == type_ else None


def digest_is(digest: str, pepper_id: str, secret: str) -> bool:
    """Say whether a stored digest is that of the secret."""
    try:
        _, presented = crypto.digest(secret, pepper_id=pepper_id)
    except KeyError:  # its pepper was retired, and every credential made with it
        return False
    return hmac.compare_digest(digest, presented)


def note_use(row: ApiKey | LoginSession | ServiceKey, *, now: datetime) -> None:
    """Write when it was last used; within a minute nothing is written."""
    since = now - USE_PRECISION
    if row.last_used_at is None or row.last_used_at <= since:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=since)
        type(row).objects.filter(stale, pk=row.pk).update(last_used_at=now)
