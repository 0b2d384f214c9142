"""Mailed proofs that somebody reads an address: a link, and six digits to type in.

Whether an address has an account must not show, neither in an answer nor in its time: asking
for a mail writes one event either way, and a worker does the rest.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from accounts import keys
from accounts.models import EmailProof, LinkPurpose, User
from accounts.selectors import lookup
from accounts.services import mail, tokens
from orsta.core import crypto, errors
from orsta.core.outbox.services import emit

LIFETIME = timedelta(hours=1)
MAX_ATTEMPTS = 5  # at the code; a million to five against who guesses
_CODE_DIGITS = 6
_TEMPLATES = {LinkPurpose.VERIFY: "verify_email", LinkPurpose.RESET: "password_reset"}
_PAGES = {LinkPurpose.VERIFY: "console/verify", LinkPurpose.RESET: "console/reset"}


class InvalidProof(errors.Invalid):
    """A mailed code or link is wrong, used or too old; the answer does not say which."""

    code = "invalid_code"

    def __init__(self) -> None:
        super().__init__("This code or link is wrong, was used, or is too old.")


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody shows: the link's token, or the code and whose it is."""

    token: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    email: str = ""


@transaction.atomic
def ask(*, email: str, purpose: LinkPurpose) -> None:
    """Have a proof mailed to an address, if it has an account: equal work if it has none."""
    known = User.objects.filter(email=email.strip().lower()).values_list("public_id", flat=True)
    user_id = known.first() or ""
    emit(
        "email_proof.asked",
        tenant_id=None,
        shard=f"user:{user_id}",
        user_id=user_id,
        purpose=purpose.value,
    )


@transaction.atomic
def issue(*, user: User, purpose: LinkPurpose, now: datetime) -> None:
    """Mail a new proof; the one before it opens nothing any more.

    Nothing is mailed to somebody who is shut out, or whose address is verified already.
    """
    # Locked, so that two requests at once leave one open proof.
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    verified = purpose == LinkPurpose.VERIFY and user.email_verified_at is not None
    if verified or not user.is_active:
        return
    void(user=user, now=now, purpose=purpose)
    code = f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}}"
    token = _create(user, purpose, code, now=now)
    url = mail.link(_PAGES[purpose], token=token)
    mail.queue(
        template=_TEMPLATES[purpose],
        to=user.email,
        context={"username": user.username, "code": code, "url": url},
        now=now,
    )


def take(*, shown: Shown, purpose: LinkPurpose, now: datetime) -> User:
    """Use a proof up and return whose it is, in the caller's transaction.

    A code's attempt has to be counted before: see `count_attempt`.

    :raises InvalidProof: it opens nothing, for whatever reason.
    """
    open_ = _open(purpose, now=now)
    proof = _by_token(open_, shown.token) if shown.token else _by_code(open_, shown)
    if proof is None or open_.filter(pk=proof.pk).update(used_at=now) != 1:
        raise InvalidProof
    # The address may have changed since: the proof is about the old one then.
    if proof.user.email != proof.email or not proof.user.is_active:
        raise InvalidProof
    return proof.user


def count_attempt(*, shown: Shown, purpose: LinkPurpose, now: datetime) -> None:
    """Count one try at a code, outside of any transaction: a wrong one must stay counted.

    :raises InvalidProof: there is no code to try, or there were too many tries.
    """
    if shown.token:
        return
    untired = _of_address(_open(purpose, now=now), shown).filter(attempts__lt=MAX_ATTEMPTS)
    if untired.update(attempts=F("attempts") + 1) != 1:
        raise InvalidProof


def void(*, user: User, now: datetime, purpose: LinkPurpose | None = None) -> None:
    """Make a person's open proofs useless, those of one purpose or all."""
    open_ = EmailProof.objects.filter(user=user, used_at=None)
    if purpose is not None:
        open_ = open_.filter(purpose=purpose)
    open_.update(used_at=now)


def _create(user: User, purpose: LinkPurpose, code: str, *, now: datetime) -> str:
    key = keys.mint(keys.KeyType.EMAIL_LINK)
    columns = tokens.stored(key)
    # Keyed as well: without the pepper, a million guesses would find the code.
    _, code_digest = crypto.digest(_bound(user, purpose, code), pepper_id=columns["pepper_id"])
    EmailProof.objects.create(
        user=user,
        purpose=purpose,
        email=user.email,
        code_digest=code_digest,
        expires_at=now + LIFETIME,
        **columns,
    )
    return key.render()


def _open(purpose: LinkPurpose, *, now: datetime) -> "QuerySet[EmailProof]":
    return EmailProof.objects.filter(purpose=purpose, used_at=None, expires_at__gt=now)


def _of_address(proofs: "QuerySet[EmailProof]", shown: Shown) -> "QuerySet[EmailProof]":
    return proofs.filter(email=shown.email.strip().lower())


def _by_token(proofs: "QuerySet[EmailProof]", token: str) -> EmailProof | None:
    return lookup.find(proofs.select_related("user"), token, keys.KeyType.EMAIL_LINK)


def _by_code(proofs: "QuerySet[EmailProof]", shown: Shown) -> EmailProof | None:
    proof = _of_address(proofs, shown).select_related("user").first()
    if proof is None:
        return None
    text = _bound(proof.user, proof.purpose, shown.code)
    return proof if lookup.digest_is(proof.code_digest, proof.pepper_id, text) else None


def _bound(user: User, purpose: str, code: str) -> str:
    """Return what is digested: equal codes of two people, or for two purposes, differ."""
    return f"{purpose}:{user.public_id}:{''.join(code.split())}"
