"""How often somebody may try: per account and per address, from the console and the API alike.

Accounts are named by keyed digests: the counters in Redis hold nobody's address.
"""

from orsta.core import crypto, limits

_DIGEST_LENGTH = 32


def log_in(*, name: str, address: str | None) -> None:
    """Count one password that is tried; `name` is what the person calls itself.

    :raises LimitReached: there were too many.
    :raises LimiterAway: Redis is away, and guesses have to be counted.
    """
    limits.check("login_address", address or limits.NO_ADDRESS)
    limits.check("login_account", _digest(name))


def try_passkey(*, address: str | None) -> None:
    """Count one passkey that is tried; raises as `log_in`. It cannot be guessed, only sent."""
    limits.check("login_address", address or limits.NO_ADDRESS)


def logged_in(*, name: str) -> None:
    """Forgive the attempts on an account; those from the address stay counted."""
    limits.forget("login_account", _digest(name))


def sign_up(*, address: str | None) -> None:
    """Count one new account; raises as `log_in`."""
    limits.check("signup_address", address or limits.NO_ADDRESS)


def ask_for_mail(*, email: str, address: str | None) -> None:
    """Count one mail that is asked for, whether or not the address has an account.

    Raises as `log_in`.
    """
    limits.check("mail_address", address or limits.NO_ADDRESS)
    limits.check("mail_account", _digest(email))


def try_code(*, name: str, address: str | None) -> None:
    """Count one mailed code or link that is tried; raises as `log_in`.

    :param name: whose code it is said to be; "" for a link, which names nobody.
    """
    limits.check("code_address", address or limits.NO_ADDRESS)
    if name:
        limits.check("code_account", _digest(name))


def _digest(name: str) -> str:
    return crypto.digest(name.strip().lower())[1][:_DIGEST_LENGTH]
