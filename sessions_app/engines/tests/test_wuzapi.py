"""The engine `wuzapi` keeps the contract of all engines, with gateways of both kinds."""

from __future__ import annotations

import asyncio

import pytest

from sessions_app.engines.tests.abilities import PHONE
from sessions_app.engines.tests.contract import FRIEND, EngineContract
from sessions_app.engines.tests.fake_gateway import GENFITY, UPSTREAM_2025
from sessions_app.engines.tests.fixtures import *  # noqa: F403 (fixtures)
from sessions_app.engines.tests.wuzapi_rig import HearingEngine, ref  # noqa: F401 (a fixture)
from sessions_app.engines.wuzapi.engine import WuzapiEngine


class WuzapiContract(EngineContract):
    """The gateway plays the phone."""

    capabilities = WuzapiEngine.capabilities

    @pytest.fixture
    def engine(self, gateway_server, gateway_mode):
        self.gateway = gateway_server
        return HearingEngine(gateway_server, trust_unsigned=gateway_mode == UPSTREAM_2025)

    async def scan(self, connection):
        await asyncio.to_thread(self.gateway.scan, connection.session_id)

    async def type_code(self, connection, code):
        await asyncio.to_thread(self.gateway.scan, connection.session_id, PHONE)

    async def write(self, connection, text):
        await asyncio.to_thread(self.gateway.write, connection.session_id, text, FRIEND)


class TestGenfity(WuzapiContract):
    @pytest.fixture
    def gateway_mode(self):
        return GENFITY


class TestUpstream2025(WuzapiContract):
    @pytest.fixture
    def gateway_mode(self):
        return UPSTREAM_2025
