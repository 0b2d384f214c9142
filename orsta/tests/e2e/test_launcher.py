"""`make run`: it keeps data, repairs itself, stops whole, and says what is in the way."""

import base64
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orsta.launcher import leftovers
from orsta.launcher.folder import DataFolder
from orsta.launcher.processes import ROOT
from orsta.launcher.valkey import free_port
from orsta.tests.e2e.client import eventually
from orsta.tests.e2e.stack import STOP_SECONDS, Stack, call, environment, launcher


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def assert_one_sentence(code: int, error: str) -> None:
    assert code == 1
    assert error.count("\n") == 1
    assert error.endswith(".\n")
    assert "Traceback" not in error


def test_it_prints_where_everything_is(stack: Stack) -> None:
    for path in ("/admin/", "/console/", "/docs"):
        assert f"{stack.base_url}{path}" in stack.output
    assert stack.credentials["staff"]["password"] in stack.output
    assert str(stack.folder.logs) in stack.output
    assert stack.credentials["url"] == stack.base_url


def test_secrets_are_for_their_owner_only(stack: Stack) -> None:
    assert mode_of(stack.data) == 0o700
    for name in ("secrets.env", "credentials.json", "stack.json", "valkey/valkey.conf"):
        assert mode_of(stack.data / name) == 0o600, name


def test_the_demo_key_opens_the_api(stack: Stack) -> None:
    headers = {"x-api-key": stack.credentials["demo"]["api_key"]}

    assert stack.get("/v1/sessions", **headers) == 200
    assert stack.get("/v1/sessions") == 401


@pytest.mark.parametrize("program", ["web", "relay", "runner", "worker", "beat"])
def test_a_killed_program_comes_back(stack: Stack, program: str) -> None:
    killed = stack.kill(program)

    stack.wait_until_replaced(program, killed)
    stack.wait_until_ready()


@pytest.mark.parametrize("server", ["postgres", "valkey"])
def test_a_killed_server_comes_back(stack: Stack, server: str) -> None:
    headers = {"x-api-key": stack.credentials["demo"]["api_key"]}

    killed = stack.kill(server)

    stack.wait_until_replaced(server, killed)
    stack.wait_until_ready()
    eventually("the API answers", lambda: stack.get("/v1/sessions", **headers) == 200)


def test_a_second_start_on_the_same_data_is_refused(stack: Stack) -> None:
    code, error = call("run", data=stack.data, port=free_port())

    assert_one_sentence(code, error)
    assert "is in use" in error
    assert stack.get("/readyz") == 200


def test_a_busy_port_is_named(stack: Stack, tmp_path: Path) -> None:
    code, error = call("run", data=tmp_path / "other", port=stack.port)

    assert_one_sentence(code, error)
    assert f"Port {stack.port}" in error


def test_a_port_that_is_none_is_named(tmp_path: Path) -> None:
    code, error = call("run", data=tmp_path / "data", port=8000, PORT="eighty")

    assert_one_sentence(code, error)
    assert "PORT is eighty" in error


def test_a_data_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    # A file in the way stops root too, which a missing right does not.
    for data in (tmp_path / "file", tmp_path / "file" / "data"):
        code, error = call("run", data=data, port=free_port())

        assert_one_sentence(code, error)
        assert f"{tmp_path / 'file'}" in error


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_data_folder_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 1, 1)

    code, error = call("run", data=data, port=free_port())

    assert_one_sentence(code, error)
    assert "belongs to the user" in error


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgres://orsta:hunter2@127.0.0.1:1/orsta"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgres//orsta:hunter2@127.0.0.1:1/orsta"),
        ("REDIS_URL", "redis://:hunter2@127.0.0.1:1/0"),
        ("REDIS_URL", "nonsense"),
        ("REDIS_URL", "redis://:hunter2/3@127.0.0.1:1/0"),
    ],
)
def test_a_given_server_that_does_not_answer_is_named(
    tmp_path: Path, name: str, url: str
) -> None:
    code, error = call("run", data=tmp_path / "data", port=free_port(), **{name: url})

    assert_one_sentence(code, error)
    assert f"of {name} can't be used" in error
    assert "hunter2" not in error


def test_damaged_secrets_are_never_replaced(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    secrets = data / "secrets.env"
    secrets.write_text("SECRET_KEY=abc\nORSTA_FIELD_KEYS=k1:short\n")

    code, error = call("run", data=data, port=free_port())

    assert_one_sentence(code, error)
    assert "is damaged" in error
    assert "abc" not in error
    assert secrets.read_text() == "SECRET_KEY=abc\nORSTA_FIELD_KEYS=k1:short\n"


def test_data_survive_a_stop_and_a_kill(make_stack: Callable[[], Stack]) -> None:
    first = make_stack()
    first.start()
    credentials = first.credentials

    assert first.stop(signal.SIGINT) == 0
    assert first.left() == []

    second = make_stack()
    second.start()
    assert second.credentials == {**credentials, "url": second.base_url}
    assert second.get("/v1/sessions", **{"x-api-key": credentials["demo"]["api_key"]}) == 200
    assert "Applying" not in second.output

    second.stop(signal.SIGKILL)
    assert second.left() != []

    # Any command on this data first stops what the killed launcher left.
    code, said = call("exec", "true", data=second.data, port=second.port)
    assert code == 0
    assert "An earlier Orsta on this data still runs" in said
    assert second.left() == []
    assert "database system is shut down" in second.logs("postgres").splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", ["starting", "running"])
def test_a_command_that_is_told_to_end_leaves_no_server(
    tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    data, folder = tmp_path / "data", DataFolder(tmp_path / "data")
    begun = {
        "starting": (folder.postgres / "postmaster.pid").exists,
        "running": lambda: folder.read_stack() is not None,
    }
    # Under `nohup` these tests would hand down a SIGHUP that is ignored.
    words = ["env", f"--default-signal={number.name[3:]}", *launcher("exec", "sleep", "600")]
    with subprocess.Popen(  # noqa: S603 - our own launcher
        words, cwd=ROOT, env=environment(data, free_port())
    ) as command:
        eventually(moment, begun[moment])
        command.send_signal(number)

        assert command.wait(STOP_SECONDS) != 0
    assert leftovers.find(folder) == []
    assert folder.read_stack() is None


def test_the_seed_uses_the_callers_keys(tmp_path: Path) -> None:
    data = tmp_path / "data"
    ring = f"p9:{base64.b64encode(b'p' * 32).decode()}"

    code, said = call("seed", data=data, port=free_port(), ORSTA_KEY_PEPPERS=ring)
    assert code == 0, said

    # Only a command with the same pepper finds the key that the seed made.
    find = (
        "import json, sys; from django.utils import timezone; from accounts import selectors; "
        f"key = json.load(open({str(data / 'credentials.json')!r}))['demo']['api_key']; "
        "sys.exit(selectors.principal_of_api_key(key, now=timezone.now()) is None)"
    )
    shell = ("exec", sys.executable, "manage.py", "shell", "-c", find)
    assert call(*shell, data=data, port=free_port(), ORSTA_KEY_PEPPERS=ring)[0] == 0
    assert call(*shell, data=data, port=free_port())[0] == 1
