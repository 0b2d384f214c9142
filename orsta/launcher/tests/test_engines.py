"""`make run ENGINE=...`."""

import pytest

from orsta.launcher import engines, options
from orsta.launcher.errors import CannotStart

SECRETS = {"DEVICES_PASSWORD": "made"}
URLS = {"DATABASE_URL": "postgres://orsta@db/orsta", "REDIS_URL": "redis://cache"}


@pytest.fixture(autouse=True)
def _no_dotenv(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(options, "DOTENV", tmp_path / ".env")


def told(**environment: str) -> dict[str, str]:
    return engines.with_engine(options.read(environment), URLS, secrets=SECRETS)


def test_without_a_word_it_is_the_sandbox() -> None:
    assert told() == told(ENGINE="sandbox") == URLS
    assert engines.advice(options.read({})) == ""


def test_neonize_is_offered_beside_the_sandbox_with_a_store_of_its_own() -> None:
    assert told(ENGINE="neonize") == URLS | {
        "ORSTA_OFFERED_ENGINES": "sandbox,neonize",
        "ORSTA_DEFAULT_ENGINE": "neonize",
        "ORSTA_NEONIZE_DSN": "postgres://orsta_devices:made@db/orsta_devices",
    }


def test_gateways_need_no_store_and_are_explained() -> None:
    assert told(ENGINE="wuzapi") == URLS | {
        "ORSTA_OFFERED_ENGINES": "sandbox,wuzapi",
        "ORSTA_DEFAULT_ENGINE": "wuzapi",
    }
    assert "Gateways in the admin" in engines.advice(options.read({"ENGINE": "wuzapi"}))


def test_what_the_caller_set_wins() -> None:
    mine = {"ORSTA_OFFERED_ENGINES": "neonize", "ORSTA_NEONIZE_DSN": "postgres://me@other/mine"}

    found = told(ENGINE="neonize", **mine)

    assert found == URLS | mine | {"ORSTA_DEFAULT_ENGINE": "neonize"}


def test_an_engine_that_is_none_is_refused() -> None:
    with pytest.raises(CannotStart, match="ENGINE is baileys: set it to one of sandbox"):
        engines.check(options.read({"ENGINE": "baileys"}))


def test_an_engine_that_is_not_installed_says_how(monkeypatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda _: None)

    with pytest.raises(CannotStart, match="make run ENGINE=neonize"):
        engines.check(options.read({"ENGINE": "neonize"}))
