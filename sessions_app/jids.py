"""The one place that normalizes JIDs. Plain functions on plain text.

A normalized JID is `<user>@<server>` without a device or agent part. A contact is identified
by its LID (`…@lid`) when that is known; a LID never contains a phone number.
"""

from __future__ import annotations

import re

import phonenumbers

PHONE_SERVER = "s.whatsapp.net"
LID_SERVER = "lid"
GROUP_SERVER = "g.us"

# Users of these servers are numbers and may carry a device (`:4`) or an agent (`_1` or `.1`).
ACCOUNT_SERVERS = frozenset({PHONE_SERVER, LID_SERVER, "hosted", "hosted.lid"})
SERVERS = ACCOUNT_SERVERS | {GROUP_SERVER, "newsletter", "broadcast", "bot", "call"}
SENDABLE_SERVERS = frozenset({PHONE_SERVER, LID_SERVER, GROUP_SERVER, "newsletter"})
_SERVER_ALIASES = {"c.us": PHONE_SERVER}  # the name that older clients use

_TEXT_LIMIT = 100  # characters; the longest real JID is a third of that
_ACCOUNT_USER = re.compile(r"([0-9]{1,20})(?:[._][0-9]{1,3})?(?::[0-9]{1,5})?")
_OTHER_USER = re.compile(r"[0-9A-Za-z]+(?:-[0-9A-Za-z]+)*")
_PHONE_TEXT = re.compile(r"\+?[0-9 ().\-/\u00a0\u2010\u2011]+")

_PHONE_ADVICE = "Give a phone number with its country code, like +1 555 010 0123."
_JID_ADVICE = "Give a JID like 15550100123@s.whatsapp.net."


class InvalidRecipient(ValueError):
    """The text is neither a phone number nor a JID that can be used here."""


def from_phone(text: str, country: str = "") -> str:
    """Return the JID of a phone number written the way people write it.

    With a "+" the number starts with its country code. Without one it is read in this order,
    and the first reading that fits counts:

    1. as if it began with its country code, if such a number is in use;
    2. as dialed within `country`, also with its prefix for calls abroad, if in use;
    3. as if it began with its country code, if it has the right number of digits.

    So an international number without "+" means the same with and without a country.

    :param country: the ISO 3166 code of who wrote it; without one the second reading falls out.
    :raises InvalidRecipient: this can't be a phone number.
    """
    written = text.strip()
    if len(written) > _TEXT_LIMIT or not _PHONE_TEXT.fullmatch(written):
        raise InvalidRecipient(f"This is not a phone number. {_PHONE_ADVICE}")
    number = None
    if country and not written.startswith("+"):
        number = _in_use(f"+{written}", None) or _in_use(written, country.upper())
    return _phone_jid(number or _international(written))


def normalize(jid: str) -> str:
    """Return the JID without device and agent, with its server's current name.

    :raises InvalidRecipient: this is not a JID, or its server is unknown.
    """
    user, at, server = jid.strip().rpartition("@")
    server = server.lower()
    server = _SERVER_ALIASES.get(server, server)
    if not at or len(jid) > _TEXT_LIMIT:
        raise InvalidRecipient(f"This is not a JID. {_JID_ADVICE}")
    if server not in SERVERS:
        known = ", ".join(sorted(SERVERS))
        raise InvalidRecipient(f"WhatsApp has no such server; use one of {known}.")
    return f"{_user(user, server)}@{server}"


def parse_recipient(text: str, country: str = "") -> str:
    """Return the normalized JID of what somebody may send to: a phone number or a JID.

    :param country: completes phone numbers, as `from_phone` says.
    :raises InvalidRecipient: it is neither, or nobody can send there.
    """
    if "@" not in text:
        return from_phone(text, country)
    jid = normalize(text)
    if jid.rpartition("@")[2] not in SENDABLE_SERVERS:
        raise InvalidRecipient(
            "Nobody can send to this address. Give a person, a group or a channel."
        )
    return jid


def parse_chat(text: str, country: str = "") -> str:
    """Return the normalized JID of a chat that may exist: a phone number or any JID.

    :raises InvalidRecipient: it is neither.
    """
    return normalize(text) if "@" in text else from_phone(text, country)


def of_phone(digits: str) -> str:
    """Return the JID of a phone number in digits, with its country code."""
    return f"{digits}@{PHONE_SERVER}"


def phone_of(jid: str) -> str:
    """Return the digits of the phone number in a normalized JID; "" when it has none."""
    user, _, server = jid.rpartition("@")
    return user if server == PHONE_SERVER else ""


def is_lid(jid: str) -> bool:
    """Say whether a normalized JID is a LID."""
    return jid.endswith(f"@{LID_SERVER}")


def _in_use(text: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    """Return the number if some network has given it out, as far as its plan tells."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _international(written: str) -> phonenumbers.PhoneNumber:
    try:
        number = phonenumbers.parse(f"+{written.lstrip('+')}")
    except phonenumbers.NumberParseException:
        raise InvalidRecipient(f"No country has such a number. {_PHONE_ADVICE}") from None
    # The shorter `is_possible_number` also takes a number that lacks its area code.
    verdict = phonenumbers.is_possible_number_with_reason(number)
    if verdict != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise InvalidRecipient(f"The number has too few or too many digits. {_PHONE_ADVICE}")
    return number


def _phone_jid(number: phonenumbers.PhoneNumber) -> str:
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return of_phone(written.removeprefix("+"))


def _user(user: str, server: str) -> str:
    if server in ACCOUNT_SERVERS:
        account = _ACCOUNT_USER.fullmatch(user)
        if account is None:
            raise InvalidRecipient(f"The part before the @ must be digits. {_JID_ADVICE}")
        return account[1]
    if not _OTHER_USER.fullmatch(user):
        raise InvalidRecipient(
            "The part before the @ may hold letters, digits and single dashes only."
        )
    return user
