"""The codes for whoever lost the other factors: ten at a time, each works once."""

import secrets
from datetime import datetime

from django.db import transaction

from accounts.models import RecoveryCode, User
from accounts.selectors import lookup
from accounts.services import audit
from orsta.core import crypto

COUNT = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what looks alike on paper
_GROUP = 5  # characters; two groups carry 49 bits, and guesses are counted


@transaction.atomic
def replace(*, user: User, now: datetime) -> list[str]:
    """Make a new set, which ends the old one; the texts exist in this answer only."""
    texts = [_mint() for _ in range(COUNT)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(_row(user, text) for text in texts)
    audit.record(
        action="recovery_codes.replaced",
        actor=user.public_id,
        now=now,
        target=user.public_id,
    )
    return texts


@transaction.atomic
def take(*, user: User, code: str, now: datetime) -> bool:
    """Use a code up; say whether it was one. Of two who come with the same, one gets in."""
    row = _find(user, code)
    if row is None:
        return False
    if RecoveryCode.objects.filter(pk=row.pk, used_at=None).update(used_at=now) != 1:
        return False
    audit.record(
        action="recovery_code.used", actor=user.public_id, now=now, target=user.public_id
    )
    return True


def left(user: User) -> int:
    """Return how many codes still work."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _mint() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(2))
    return "-".join(groups)


def _row(user: User, text: str) -> RecoveryCode:
    pepper_id, digest = crypto.digest(_bound(user, text))
    return RecoveryCode(user=user, pepper_id=pepper_id, digest=digest)


def _find(user: User, text: str) -> RecoveryCode | None:
    presented = _bound(user, text)
    for row in RecoveryCode.objects.filter(user=user, used_at=None):
        if lookup.digest_is(row.digest, row.pepper_id, presented):
            return row
    return None


def _bound(user: User, text: str) -> str:
    """Tie a code to its person, however it was typed: dashes, spaces and case don't count."""
    plain = "".join(character for character in text.lower() if character.isalnum())
    return f"recovery code of {user.public_id}: {plain}"
