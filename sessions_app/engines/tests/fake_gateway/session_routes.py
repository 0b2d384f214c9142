"""The fake gateway's routes for a session: its stream and what it subscribes to."""

from __future__ import annotations

import time

from sessions_app.engines.tests.fake_gateway.admin_routes import KNOWN_EVENTS
from sessions_app.engines.tests.fake_gateway.answers import Answer, Refused


def connect(gateway, user, body):
    """Open the stream. What is subscribed is overwritten, also with nothing."""
    if user.client is not None and user.client.socket:
        raise Refused(500, "Already Connected" if gateway.upstream else "already connected")
    asked = body.get("Subscribe", body.get("subscribe", []))
    if gateway.upstream and not asked:
        asked = ["All"]
    user.events = user.cached_events = ",".join(e for e in asked if e in KNOWN_EVENTS)
    user.open()
    if not body.get("Immediate"):
        time.sleep(gateway.connect_wait)
    if user.linked:
        gateway.come_up(user)
    else:
        gateway.show(user)
    return Answer({"details": "Connected!", "jid": user.jid, "events": user.events})


def disconnect(gateway, user, body):
    """Drop the stream; the subscriptions go with it."""
    require_client(gateway, user)
    if gateway.upstream and not user.client.logged_in:
        raise Refused(500, "Cannot disconnect because it is not logged in")
    user.client, user.connected = None, False
    user.events = user.cached_events = ""
    return Answer({"Details": "Disconnected"})


def logout(gateway, user, body):
    """Unlink the device; the row keeps its JID."""
    require_up(gateway, user)
    user.linked, user.client, user.connected = "", None, False
    return Answer({"Details": "Logged out"})


def status(gateway, user, body):
    up = user.client is not None and user.client.socket
    logged_in = user.client is not None and user.client.logged_in
    if gateway.upstream:
        if user.client is None:
            raise Refused(500, "No session")
        return Answer({"Connected": up, "LoggedIn": logged_in})
    return Answer(
        {
            "id": user.id,
            "name": user.name,
            "connected": up,
            "loggedIn": logged_in,
            "token": user.token,
            "jid": user.jid,
            "webhook": user.webhook,
            "events": user.events,
            "proxy_url": user.proxy,
            "proxy_config": {"enabled": bool(user.proxy), "proxy_url": user.proxy},
            "qrcode": "",
            "history": str(user.history),
            "hmac_configured": bool(user.stored_key),
        }
    )


def qr(gateway, user, body):
    require_client(gateway, user)
    if user.client.logged_in:
        raise Refused(500, "Already Loggedin" if gateway.upstream else "already logged in")
    return Answer({"QRCode": gateway.picture(user.client.code) if user.client.code else ""})


def pair_phone(gateway, user, body):
    require_client(gateway, user)
    if not body.get("Phone"):
        raise Refused(400, "missing Phone in Payload")
    if user.client.logged_in:
        raise Refused(400, "already paired")
    return Answer({"LinkingCode": "ABCD-EFGH"})


def set_webhook(gateway, user, body):
    """Set the webhook. Without events nothing is posted any more, whatever the table says."""
    if gateway.forgets_webhooks > 0:
        gateway.forgets_webhooks -= 1
        return Answer({"webhook": "", "events": []})
    events = ",".join(body.get("events") or [])
    user.webhook = body.get("webhook", body.get("webhookurl", ""))
    user.cached_events = events
    user.events = events or user.events
    return Answer({"webhook": user.webhook, "events": body.get("events", [])})


def get_webhook(gateway, user, body):
    return Answer({"webhook": user.webhook, "subscribe": user.events.split(",")})


def set_key(gateway, user, body):
    """Sign from now on. The answer has no envelope."""
    if len(body.get("hmac_key", "")) < 32:
        raise Refused(400, "HMAC key must be at least 32 characters long")
    user.stored_key = user.cached_key = body["hmac_key"]
    return Answer({"Details": "HMAC configuration saved successfully"}, bare=True)


def set_proxy(gateway, user, body):
    if user.client is not None and user.client.socket:
        raise Refused(500, "cannot set proxy while connected. Please disconnect first")
    user.proxy = body["proxy_url"] if body["enable"] else ""
    return Answer({"Details": "Proxy configured successfully"})


def require_client(gateway, user):
    if user.client is None:
        raise Refused(500, "No session" if gateway.upstream else "no session")
    if not user.client.socket:
        raise Refused(500, "not connected")


def require_up(gateway, user):
    require_client(gateway, user)
    if not user.client.logged_in:
        raise Refused(500, "not logged in")


ROUTES = {
    ("POST", "/session/connect"): connect,
    ("POST", "/session/disconnect"): disconnect,
    ("POST", "/session/logout"): logout,
    ("GET", "/session/status"): status,
    ("GET", "/session/qr"): qr,
    ("POST", "/session/pairphone"): pair_phone,
    ("POST", "/session/proxy"): set_proxy,
    ("POST", "/session/hmac/config"): set_key,
    ("POST", "/webhook"): set_webhook,
    ("PUT", "/webhook"): set_webhook,
    ("GET", "/webhook"): get_webhook,
}
NOT_UPSTREAM = {("POST", "/session/hmac/config"), ("PUT", "/webhook")}
