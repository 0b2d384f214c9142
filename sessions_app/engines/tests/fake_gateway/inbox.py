"""A stand-in for the webhook view, its rows and the runner that reads them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict, deque

from sessions_app.engines.base import EngineError
from sessions_app.engines.webhooks import WebhookRequest


class Inbox:
    """Keeps verified webhooks per session until a connection heard them.

    `take` is a `Poster.deliver`. What a connection heard stays until its sink kept it, so the
    next connection may hear it again.
    """

    def __init__(self, engine, gateway_refs):
        self._engine = engine
        self._refs = gateway_refs  # by session id
        self._lock = threading.Lock()
        self.rows = defaultdict(deque)
        self.keys = set()
        self.refused = []

    def take(self, post):
        request = WebhookRequest(post.body, post.headers["content-type"], post.headers)
        call = self._engine.read_webhook(request)
        ref = self._refs.get(call.session_id)
        if ref is None or not self._engine.verify_webhook(request, ref):
            self.refused.append(request)
            return 401
        with self._lock:
            if call.dedupe_key not in self.keys:
                self.keys.add(call.dedupe_key)
                self.rows[call.session_id].append(call.payload)
        return 200

    async def feed(self, connection, session_id, sink):
        """Have a connection hear everything, in order, until cancelled."""
        heard = 0
        rows = self.rows[session_id]
        try:
            while True:
                while heard < len(rows):
                    with contextlib.suppress(EngineError):
                        await connection.hear(rows[heard])
                    heard += 1
                    if sink.keeping.is_set():
                        for _ in range(heard):
                            rows.popleft()
                        heard = 0
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            return
