"""Who hears of which event: a socket hears what its credential could read over the API."""

from accounts.principal import Principal

# An event's numbered frame: sequence number, name, public id of the session or "", frame.
Numbered = tuple[int, str, str, str]

# By the first part of an event's name. What is not here is nobody's to hear.
_OF_SESSIONS = {
    "session": "sessions:read",
    "message": "messages:read",
    "contact": "contacts:read",
    "contacts": "contacts:read",
}
_OF_TENANT = {
    "tenant": "tenant:read",
    "subscription": "tenant:read",
    "entitlements": "tenant:read",
    "quota": "tenant:read",
    "export": "tenant:write",
    "member": "members:read",
    "invitation": "members:read",
    "api_key": "keys:read",
    "payment": "billing:read",
}


def hears(principal: Principal, frame: Numbered) -> bool:
    """Say whether the event is for this caller: by its scopes and its list of sessions."""
    _, name, session_id, _ = frame
    topic = name.partition(".")[0]
    if topic in _OF_SESSIONS:
        return principal.allows(_OF_SESSIONS[topic]) and principal.may_touch(session_id)
    return topic in _OF_TENANT and principal.allows(_OF_TENANT[topic])
