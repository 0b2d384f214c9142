"""Where the request that is being served comes from, for whoever writes it down."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The client's address, None outside requests and for Unix sockets, and its own name."""

    address: str | None = None
    user_agent: str = ""


_NOWHERE = Origin()
_current: ContextVar[Origin] = ContextVar("orsta_origin", default=_NOWHERE)


def bind(address: str | None, user_agent: str) -> None:
    """Remember the origin for the rest of this request."""
    _current.set(Origin(address, user_agent))


def clear() -> None:
    """Forget it."""
    _current.set(_NOWHERE)


def current() -> Origin:
    """Return the origin of the request that is being served."""
    return _current.get()
