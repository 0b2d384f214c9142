"""The data folder."""

import os
import stat
from pathlib import Path

import pytest

from orsta.launcher import folder
from orsta.launcher.errors import CannotStart
from orsta.launcher.folder import LONGEST_SOCKET_FOLDER, DataFolder


def test_a_new_folder_is_closed_to_others(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "a" / "data")

    folder.prepare(data)
    folder.prepare(data)

    for path in (data.path, data.logs, data.valkey, data.sockets):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_an_open_folder_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    folder.prepare(DataFolder(tmp_path))

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_sockets_leave_a_folder_with_a_long_name() -> None:
    short = DataFolder(Path("/") / ("x" * (LONGEST_SOCKET_FOLDER - len("//run"))))
    long = DataFolder(Path("/") / ("x" * (LONGEST_SOCKET_FOLDER - len("//run") + 1)))

    assert short.sockets == short.path / "run"
    assert not long.sockets.is_relative_to(long.path)
    assert len(os.fsencode(long.sockets)) <= LONGEST_SOCKET_FOLDER
    assert long.sockets == DataFolder(long.path).sockets


def test_two_folders_with_long_names_do_not_share_sockets() -> None:
    one, two = (DataFolder(Path("/") / (letter * 200)) for letter in "ab")

    assert one.sockets != two.sockets


def test_a_folder_is_for_one_launcher_at_a_time(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)

    with folder.locked(data):
        assert folder.in_use(data)
        with (
            pytest.raises(CannotStart, match=f"process id {os.getpid()}:"),
            folder.locked(data),
        ):
            pass

    assert not folder.in_use(data)
    with folder.locked(data):
        pass


def test_nobody_uses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert not folder.in_use(DataFolder(tmp_path / "none"))


def test_a_socket_folder_outside_goes_away_with_the_last_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder.tempfile, "gettempdir", lambda: str(tmp_path))
    data = DataFolder(tmp_path / ("x" * 100))
    folder.prepare(data)
    assert data.sockets.parent == tmp_path

    data.release()

    assert not data.sockets.exists()


def test_the_record_of_the_servers_is_read_back_until_it_is_forgotten(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)

    data.write_stack({"REDIS_URL": "redis://there"})
    assert data.read_stack() == {"REDIS_URL": "redis://there"}

    data.release()
    data.release()
    assert data.read_stack() is None
