"""The virtual environment, without making one."""

import sys
from pathlib import Path

import pytest

from orsta.launcher import bootstrap


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Record commands instead of running them; `venv` leaves what a real one would."""
    commands: list[list[str]] = []

    def run(*command: str | Path) -> bool:
        words = [str(word) for word in command]
        commands.append(words)
        if words[1:3] == ["-m", "venv"]:
            venv = Path(words[-1])
            version = f"python{sys.version_info.major}.{sys.version_info.minor}"
            (venv / "lib" / version / "site-packages").mkdir(parents=True)
            if "--without-pip" not in words:
                (venv / "lib" / version / "site-packages" / "pip").mkdir()
            (venv / "bin").mkdir()
            (venv / "bin" / "python").touch()
            (venv / "pyvenv.cfg").touch()
        return True

    monkeypatch.setattr(bootstrap, "run", run)
    return commands


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("django==5.2\n")
    return path


def test_it_installs_once_and_again_when_the_pins_change(
    tmp_path: Path, pins: Path, ran: list[list[str]]
) -> None:
    bootstrap.ensure(tmp_path / ".venv", pins)
    assert [words[2] for words in ran] == ["venv", "pip"]
    assert ran[1][0] == str(tmp_path / ".venv" / "bin" / "python")

    bootstrap.ensure(tmp_path / ".venv", pins)
    assert len(ran) == 2

    pins.write_text("django==5.3\n")
    bootstrap.ensure(tmp_path / ".venv", pins)
    assert [words[2] for words in ran] == ["venv", "pip", "pip"]


def test_git_does_not_see_the_environment(
    tmp_path: Path, pins: Path, ran: list[list[str]]
) -> None:
    bootstrap.ensure(tmp_path / ".venv-python3.13", pins)

    assert (tmp_path / ".venv-python3.13" / ".gitignore").read_text() == "*\n"


def test_a_failed_install_is_tried_again(
    tmp_path: Path, pins: Path, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap.make_environment(tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "run", lambda *_: False)
    with pytest.raises(bootstrap.CannotInstall, match="pip could not install"):
        bootstrap.ensure(tmp_path / ".venv", pins)

    with pytest.raises(bootstrap.CannotInstall, match="pip could not install"):
        bootstrap.ensure(tmp_path / ".venv", pins)


def test_the_systems_pip_fills_in_for_a_missing_ensurepip(
    tmp_path: Path, pins: Path, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "has_module", lambda name: name != "ensurepip")

    bootstrap.ensure(tmp_path / ".venv", pins)

    assert "--without-pip" in ran[0]
    python = str(tmp_path / ".venv" / "bin" / "python")
    assert ran[1][:5] == [sys.executable, "-m", "pip", "--python", python]


def test_without_any_pip_the_package_to_install_is_named(
    tmp_path: Path, pins: Path, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "has_module", lambda name: name == "venv")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    with pytest.raises(bootstrap.CannotInstall, match=f"apt install python{version}-venv"):
        bootstrap.ensure(tmp_path / ".venv", pins)

    assert ran == []


def test_an_old_python_is_refused(
    tmp_path: Path, pins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "MINIMUM", (99, 0))

    with pytest.raises(bootstrap.CannotInstall, match=r"needs Python 3\.11 or newer"):
        bootstrap.ensure(tmp_path / ".venv", pins)


def test_a_folder_that_can_not_be_written_is_one_sentence(
    tmp_path: Path, pins: Path, capsys: pytest.CaptureFixture[str], ran: list[list[str]]
) -> None:
    (tmp_path / ".venv").write_text("a file")

    code = bootstrap.main([str(tmp_path / ".venv"), str(pins)])

    assert code == 1
    assert capsys.readouterr().err.count("\n") == 1
