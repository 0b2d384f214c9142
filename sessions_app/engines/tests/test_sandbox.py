"""The sandbox keeps the contract of all engines."""

from __future__ import annotations

from sessions_app.engines.tests.contract import FRIEND, EngineContract


class TestSandbox(EngineContract):
    async def scan(self, connection):
        await connection.act("scan", {})

    async def write(self, connection, text):
        await connection.act("inbound", {"from": FRIEND, "text": text})
