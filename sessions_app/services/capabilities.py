"""What the engine of a session can do."""

from orsta.core import errors
from sessions_app.engines import registry
from sessions_app.engines.capabilities import Capability
from sessions_app.models import Session


class CapabilityMissing(errors.Conflict):
    """The session's engine can't do that; the details name the capability."""

    code = "capability_missing"


def require(session: Session, capability: Capability) -> None:
    """Let a session do what its engine can.

    :raises CapabilityMissing: it lacks that, or is not offered here any more.
    """
    if has(session, capability):
        return
    others = offered_with(capability)
    advice = f" Engines that can: {', '.join(others)}." if others else ""
    raise CapabilityMissing(
        f"The engine {session.engine!r} lacks the capability {capability.value!r}.{advice}",
        capability=capability.value,
        engine=session.engine,
    )


def has(session: Session, capability: Capability) -> bool:
    """Say whether the session's engine can do that; one that is not offered can't."""
    kind = session.engine
    return kind in registry.kinds() and capability in registry.engine(kind).capabilities


def offered_with(capability: Capability) -> list[str]:
    """Return the engines of this deployment that can do that."""
    return [
        kind for kind in registry.kinds() if capability in registry.engine(kind).capabilities
    ]
