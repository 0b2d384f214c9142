"""The fake gateway's inside, and the hand that plays phones and people."""

from __future__ import annotations

import base64
import io
import itertools
import json
import secrets
import threading

import segno

from sessions_app.engines.tests.fake_gateway import hooks, shapes
from sessions_app.engines.tests.fake_gateway.answers import Fault
from sessions_app.engines.tests.fake_gateway.users import User, new_code

GENFITY = "genfity"
UPSTREAM_2025 = "upstream-2025"
ADMIN_TOKEN = "admin-token-of-the-fake-gateway"
FRIEND = "15550100123@s.whatsapp.net"


class FakeGateway:
    """One gateway. `address` is where it listens; `server.serve` sets it.

    Methods that play the outside take the session's name, which is our public id.
    """

    def __init__(self, mode=GENFITY):
        self.mode = mode
        self.address = ""
        self.lock = threading.RLock()
        self.users = []
        self.faults = []
        self.requests = []  # (method, path, headers, body), as they came
        self.poster = hooks.Poster()
        self.form_webhooks = self.upstream
        self.receipts = True  # friends get and read what is sent to them
        self.people = {
            f"1555010{number:04}@s.whatsapp.net": {
                "Found": True,
                "FirstName": "",
                "FullName": f"Person {number}",
                "PushName": f"P{number}",
                "BusinessName": "",
                "RedactedPhone": "",
            }
            for number in range(25)
        }
        self.ghosts = []  # removed without `full`: their tokens go on
        self.files = {}  # media key -> bytes
        self.forgets_webhooks = 0  # how often it says that it set one, and does not
        self.connect_wait = 0.0  # of a connect without Immediate; really 10 s
        self._ids = itertools.count(1)
        self._phones = itertools.count(15550200001)

    @property
    def upstream(self):
        return self.mode == UPSTREAM_2025

    def fail(self, path, kind, **details):
        """Have the next calls to a path go wrong (`Fault`); "" stands for every path."""
        self.faults.append(Fault(path, kind, **details))

    def user(self, name):
        return next(user for user in self.users if user.name == name)

    def has(self, name):
        return any(user.name == name for user in self.users)

    def new_user(self, name, token, **columns):
        number = next(self._ids)
        user = User(number if self.upstream else f"{number:032x}", name, token, **columns)
        self.users.append(user)
        return user

    def calls(self, path):
        """The bodies of the calls to a path so far."""
        return [body for _, called, _, body in self.requests if called == path]

    def picture(self, code):
        drawn = io.BytesIO()
        segno.make(code, error="m", micro=False).save(drawn, kind="png", scale=3)
        return "data:image/png;base64," + base64.b64encode(drawn.getvalue()).decode()

    def post(self, user, event):
        """Post a webhook, if the session subscribes to it."""
        if user.webhook and hooks.is_subscribed(user, event["type"], upstream=self.upstream):
            self.poster.put(hooks.compose(user, event, form=self.form_webhooks))

    # -- the phone ------------------------------------------------------------------------

    def scan(self, name, phone=""):
        """Have a phone accept the device that shows a code; return the account's JID."""
        with self.lock:
            user = self.user(name)
            assert user.client is not None, "nothing to scan"
            assert user.client.code, "nothing to scan"
            user.linked = user.jid = f"{phone or next(self._phones)}:7@s.whatsapp.net"
            user.client.code = ""
            user.client.logged_in = True
            self.post(user, {"type": "PairSuccess", "event": {"ID": user.linked}})
            self.come_up(user)
            return user.linked

    def come_up(self, user):
        """Post that the stream is up, and what waited for it."""
        self.post(user, {"type": "Connected", "event": {}})
        waiting, user.waiting = user.waiting, []
        for event in waiting:
            self.post(user, event)

    def show(self, user):
        """Post the code to scan."""
        picture = self.picture(user.client.code)
        self.post(user, {"type": "QR", "event": "code", "qrCodeBase64": picture})

    def next_code(self, name):
        """Replace the code to scan."""
        with self.lock:
            user = self.user(name)
            user.client.code = new_code()
            self.show(user)

    def expire_codes(self, name):
        """Nobody scanned any code: the gateway gives up."""
        with self.lock:
            user = self.user(name)
            self.post(user, {"type": "QRTimeout", "event": "timeout"})
            user.client, user.connected = None, False

    def drop(self, name):
        """Break the stream."""
        with self.lock:
            user = self.user(name)
            user.client.socket = False
            self.post(user, {"type": "Disconnected", "event": {}})

    def restore(self, name):
        """Bring the stream up again."""
        with self.lock:
            user = self.user(name)
            user.client.socket = True
            self.come_up(user)

    def log_out(self, name):
        """Remove the device on the phone; the row keeps the JID."""
        with self.lock:
            user = self.user(name)
            user.linked, user.client, user.connected = "", None, False
            self.post(user, {"type": "LoggedOut", "event": {"OnConnect": False, "Reason": 401}})

    def ban(self, name, code=101, seconds=3600):
        """Refuse the account for a while."""
        with self.lock:
            user = self.user(name)
            user.client = None
            ban = {"Code": code, "Expire": seconds * 1_000_000_000}
            self.post(user, {"type": "TemporaryBan", "event": ban})

    def say(self, name, kind, **more):
        """Post any other event about the state, e.g. KeepAliveTimeout."""
        with self.lock:
            self.post(self.user(name), {"type": kind, "event": more.pop("event", {}), **more})

    def restart(self):
        """Start the gateway anew: caches come from the table, connected sessions connect."""
        with self.lock:
            for user in self.users:
                user.cached_events, user.cached_key = user.events, user.stored_key
                user.client = None
                if user.connected and user.linked:
                    user.open()
                    self.come_up(user)

    # -- people ---------------------------------------------------------------------------

    def write(self, name, text, sender=FRIEND, **info):
        """Have somebody send a text; return its id."""
        return self.happen(name, {"conversation": text}, sender=sender, **info)

    def happen(self, name, content, sender=FRIEND, chat="", wa_id="", **info):
        """Have somebody send anything (`shapes`); it waits until the stream is up."""
        wa_id = wa_id or secrets.token_hex(8).upper()
        self.tell(name, shapes.message(wa_id, chat or sender, sender, content, **info))
        return wa_id

    def receive(self, name, wa_ids, states=("Delivered", "Read"), chat=FRIEND):
        """Have the other side get and read messages."""
        for state in states:
            self.tell(name, shapes.receipt(state, wa_ids, chat))

    def tell(self, name, event):
        """Have WhatsApp tell a session's device something, now or when it is up."""
        with self.lock:
            user = self.user(name)
            if user.up:
                self.post(user, event)
            else:
                user.waiting.append(event)


def parsed(body):
    """The JSON of a request; an empty object without one."""
    try:
        return json.loads(body) if body else {}
    except ValueError:
        return {}
