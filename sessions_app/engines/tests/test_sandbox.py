"""The sandbox keeps the contract of all engines."""

from __future__ import annotations

from sessions_app.engines.sandbox.engine import SandboxEngine
from sessions_app.engines.tests.contract import FRIEND, EngineContract


class TestSandbox(EngineContract):
    capabilities = SandboxEngine.capabilities

    async def scan(self, connection):
        await connection.act("scan", {})

    async def write(self, connection, text):
        await connection.act("inbound", {"from": FRIEND, "text": text})

    async def type_code(self, connection, code):
        await connection.act("scan", {})

    async def demand_passkey(self, connection):
        await connection.act("fault", {"kind": "passkey"})
        await connection.act("scan", {})
