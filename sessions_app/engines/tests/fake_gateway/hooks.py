"""How the fake gateway posts webhooks: filtered, signed, in order, and again on failure."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import json
import queue
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

# Names that a subscription may have and that are still never delivered by it.
NOT_ACTIVE = {"ReadReceipt", "QRTimeout"}
UPSTREAM_EVENTS = {"Message", "ReadReceipt", "Presence", "HistorySync", "ChatPresence", "All"}


@dataclass
class Post:
    """One webhook on its way."""

    url: str
    headers: dict[str, str]
    body: bytes


def is_subscribed(user, kind, *, upstream):
    names = user.cached_events.split(",")
    if upstream and kind not in UPSTREAM_EVENTS:
        return False
    return "All" in names or (kind in names and (upstream or kind not in NOT_ACTIVE))


def compose(user, event, *, form):
    """Write a webhook as the gateway does."""
    if form:
        fields = {"jsonData": json.dumps(event), "instanceName": user.name}
        fields["userID"] = str(user.id)
        body, kind = urlencode(fields).encode(), "application/x-www-form-urlencoded"
    else:
        whole = {**event, "instanceName": user.name, "userID": str(user.id)}
        body, kind = json.dumps(whole).encode(), "application/json"
    headers = {"content-type": kind}
    if user.cached_key:
        headers["x-hmac-signature"] = sign(user.cached_key, body)
    return Post(user.webhook, headers, body)


def sign(key, body):
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def post_over_http(post):
    """Post for real; return the answer's status, 0 without one."""
    url = urlsplit(post.url)
    with contextlib.closing(http.client.HTTPConnection(url.netloc, timeout=5)) as connection:
        try:
            connection.request("POST", url.path or "/", post.body, post.headers)
            return connection.getresponse().status
        except OSError:
            return 0


class Poster:
    """Posts in a thread of its own; five tries, with doubling waits."""

    def __init__(self, retry_seconds=0.05):
        self.retry_seconds = retry_seconds
        self.deliver = post_over_http  # a test may put its own here: Post -> status
        self.posted = []  # every try
        self._queue = queue.Queue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, post):
        self._queue.put(post)

    def flush(self):
        """Wait until everything was posted or given up."""
        self._queue.join()

    def stop(self):
        self._queue.put(None)
        self._thread.join(timeout=10)

    def _run(self):
        while (post := self._queue.get()) is not None:
            for attempt in range(5):
                self.posted.append(post)
                if 200 <= self.deliver(post) < 300:
                    break
                time.sleep(self.retry_seconds * 2**attempt)
            self._queue.task_done()
        self._queue.task_done()
