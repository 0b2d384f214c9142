"""The fake gateway's routes for its admin."""

from __future__ import annotations

from sessions_app.engines.tests.fake_gateway.answers import Answer, Refused
from sessions_app.engines.tests.fake_gateway.hooks import UPSTREAM_EVENTS

KNOWN_EVENTS = UPSTREAM_EVENTS | {
    "Connected",
    "Disconnected",
    "QR",
    "QRTimeout",
    "PairSuccess",
    "LoggedOut",
    "ConnectFailure",
    "TemporaryBan",
    "MessageSent",
}


def create(gateway, body):
    """Create a session. The key is stored, but webhooks are not signed with it."""
    names = body.get("events", "").split(",")
    known = UPSTREAM_EVENTS if gateway.upstream else KNOWN_EVENTS
    if unknown := next((name for name in names if name not in known), None):
        if gateway.upstream:
            raise Refused(400, f"Invalid event: {unknown}")
        raise Refused(400, "invalid event type", f"invalid event: {unknown}")
    if any(user.token == body["token"] for user in gateway.users):
        raise Refused(409, "user with this token already exists")
    user = gateway.new_user(
        body["name"],
        body["token"],
        webhook=body.get("webhook", ""),
        events=body.get("events", ""),
        cached_events=body.get("events", ""),
        expiration=body.get("expiration", 0),
        history=body.get("history", 0),
        stored_key=body.get("hmacKey", ""),
    )
    if gateway.upstream:
        return Answer({"id": user.id}, bare=True)
    return Answer({"id": user.id, "name": user.name, "hmac_key": False}, status=201)


def listing(gateway, users):
    """The list, as one answer. `connected` is the stream, not the table's column."""
    rows = [
        {
            "id": user.id,
            "name": user.name,
            "token": user.token,
            "webhook": user.webhook,
            "jid": user.jid,
            "qrcode": gateway.picture(user.client.code)
            if user.client and user.client.code
            else "",
            "connected": user.client is not None and user.client.socket,
            "loggedIn": user.client is not None and user.client.logged_in,
            "expiration": user.expiration,
            "proxy_url": user.proxy,
            "events": user.events,
        }
        for user in users
    ]
    return Answer(rows, bare=gateway.upstream)


def remove(gateway, user_id, *, full):
    """Remove a session. Without `full` its token stays valid: the cache keeps it."""
    user = next((user for user in gateway.users if str(user.id) == user_id), None)
    if user is None:
        raise Refused(404, "user not found", "no user with this id")
    gateway.users.remove(user)
    if full:
        user.linked, user.client = "", None
    else:
        gateway.ghosts.append(user)
    return Answer({"id": user.id, "jid": user.jid, "name": user.name})


def health(gateway):
    return Answer(
        {"status": "ok", "version": "1.4.2", "total_users": len(gateway.users)}, bare=True
    )
