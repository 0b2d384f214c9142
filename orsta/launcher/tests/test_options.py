"""What the environment says about a start."""

import socket
from pathlib import Path

import pytest

from orsta.launcher import options
from orsta.launcher.errors import CannotStart
from orsta.launcher.processes import ROOT


@pytest.fixture(autouse=True)
def _no_dotenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(options, "DOTENV", tmp_path / ".env")


def test_without_anything_set_it_runs_in_the_project() -> None:
    chosen = options.read({})

    assert chosen.url == "http://127.0.0.1:8000"
    assert chosen.folder.path == ROOT / ".orsta"
    assert chosen.database_url == ""
    assert chosen.redis_url == ""


def test_the_environment_wins_over_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9000\nHOST=0.0.0.0\n")

    chosen = options.read({"PORT": "9001"})

    assert chosen.port == 9001
    assert chosen.host == "0.0.0.0"  # noqa: S104
    assert chosen.url == "http://127.0.0.1:9001"


@pytest.mark.parametrize("port", ["eighty", "-1", "0", "65536", "80.5"])
def test_a_wrong_port_is_refused(port: str) -> None:
    with pytest.raises(CannotStart, match=f"PORT is {port}: "):
        options.read({"PORT": port})


def test_a_busy_port_is_refused_and_another_one_offered() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]

        with pytest.raises(CannotStart, match=f"PORT={port + 1} make run"):
            options.check_address(options.read({"PORT": str(port)}))


def test_programs_get_the_callers_values_before_generated_ones(tmp_path: Path) -> None:
    chosen = options.read(
        {
            "SECRET_KEY": "mine",
            "ORSTA_DATA": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "another.project",
        }
    )

    env = chosen.for_programs(
        secrets={"SECRET_KEY": "made", "ORSTA_FIELD_KEYS": "k1:made", "STAFF_PASSWORD": "made"},
        urls={"REDIS_URL": "redis://embedded"},
    )

    assert env["SECRET_KEY"] == "mine"
    assert env["ORSTA_FIELD_KEYS"] == "k1:made"
    assert env["REDIS_URL"] == "redis://embedded"
    assert env["DJANGO_SETTINGS_MODULE"] == "orsta.settings"
    assert env["ORSTA_ENVIRONMENT"] == "development"
    assert env["ORSTA_DATA"] == str(tmp_path)
    assert "STAFF_PASSWORD" not in env


def test_another_address_may_be_asked_for() -> None:
    env = options.read({"HOST": "192.0.2.7"}).for_programs(secrets={}, urls={})

    assert env["ALLOWED_HOSTS"] == "127.0.0.1,localhost,192.0.2.7"


@pytest.mark.parametrize("host", ["::", "::1"])
def test_over_ipv6_it_is_asked_by_an_address_that_listens_and_is_allowed(host: str) -> None:
    chosen = options.read({"HOST": host})

    env = chosen.for_programs(secrets={}, urls={})

    assert chosen.url == "http://[::1]:8000"
    assert "[::1]" in env["ALLOWED_HOSTS"].split(",")
    assert env["ORSTA_PUBLIC_URL"] == "http://localhost:8000"


def test_mails_and_passkeys_know_the_address_by_name() -> None:
    here = options.read({"PORT": "8123"}).for_programs(secrets={}, urls={})
    own = options.read({"ORSTA_PUBLIC_URL": "https://orsta.example"})

    assert here["ORSTA_PUBLIC_URL"] == "http://localhost:8123"
    assert own.for_programs(secrets={}, urls={})["ORSTA_PUBLIC_URL"] == "https://orsta.example"
