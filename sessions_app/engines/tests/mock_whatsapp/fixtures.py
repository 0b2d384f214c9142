"""Fixtures of everything that runs real clients; loaded by `pytest.ini`.

What needs neonize or its server is imported inside: other tests run without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sessions_app.engines.tests.mock_whatsapp.client import Client
    from sessions_app.engines.tests.mock_whatsapp.control import MockWhatsApp


@pytest.fixture(scope="session")
def _whatsapp_server() -> Iterator[MockWhatsApp]:
    from sessions_app.engines.tests.mock_whatsapp.control import MockWhatsApp

    server = MockWhatsApp()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def whatsapp(_whatsapp_server: MockWhatsApp) -> Iterator[MockWhatsApp]:
    """Return a WhatsApp where nobody is yet: one server per process of the test run."""
    yield _whatsapp_server
    _whatsapp_server.reset()


@pytest.fixture
def make_client(whatsapp: MockWhatsApp, tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Start clients, each with a store of its own unless `store` names another's."""
    from sessions_app.engines.tests.mock_whatsapp.client import Client

    made: list[Client] = []

    def make(jid: str = "", store: str = "") -> Client:
        path = tmp_path / (store or f"client-{len(made)}.db")
        made.append(Client(whatsapp, path, jid))
        return made[-1]

    yield make
    for client in made:
        client.kill()


@pytest.fixture
def link(whatsapp: MockWhatsApp, make_client: Callable[..., Client]) -> Callable[..., Client]:
    """Link a client to a phone number by QR code, and wait until it is connected."""

    def linked(number: str, store: str = "") -> Client:
        client = make_client(store=store)
        whatsapp.phone(number).scan(client.wait("QrCode"))
        client.wait("Connected")
        return client

    return linked
