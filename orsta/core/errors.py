"""Categories of anticipated failure; every app derives its own errors from these.

A category says what kind of answer the caller gets and knows nothing of HTTP or sockets:
`orsta.core.api.errors` maps categories to status codes. Messages are for people, safe to
show to the caller, and say what to do.
"""

from typing import Any, ClassVar


class DomainError(Exception):
    """An anticipated failure.

    :param details: extra members of the problem document; plain JSON values, never secrets.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class Invalid(DomainError):
    """The input makes no sense."""

    code = "invalid"


class Unauthenticated(DomainError):
    """No credentials, or bad ones."""

    code = "unauthenticated"


class PaymentRequired(DomainError):
    """Money did not move."""

    code = "payment_required"


class Denied(DomainError):
    """Known, but not allowed or not entitled."""

    code = "denied"


class Missing(DomainError):
    """It does not exist, or belongs to somebody else."""

    code = "not_found"


class Conflict(DomainError):
    """It clashes with the present state, or that state is not ready for it."""

    code = "conflict"


class Mismatch(DomainError):
    """Well formed, but at odds with what is known."""

    code = "mismatch"


class LimitReached(DomainError):
    """Too much for now; `retry_after` (seconds) may be among the details."""

    code = "rate_limited"


class UpstreamFailed(DomainError):
    """A provider or an engine answered badly."""

    code = "upstream_failed"


class Unavailable(DomainError):
    """A dependency is down, or the outcome is not known yet."""

    code = "unavailable"
