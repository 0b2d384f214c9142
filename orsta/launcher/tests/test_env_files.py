"""`.env` and the generated secrets."""

import base64
import stat
from pathlib import Path

import pytest

from orsta.launcher import env_files
from orsta.launcher.errors import CannotStart
from orsta.launcher.processes import ROOT


def test_lines_may_be_blank_commented_exported_or_quoted() -> None:
    text = "# why\n\nA=1\nexport B='two words'\nC=\nD=\"x=y\"\n"

    assert env_files.parse(text, name=".env") == {
        "A": "1",
        "B": "two words",
        "C": "",
        "D": "x=y",
    }


def test_a_wrong_line_is_named_without_its_value() -> None:
    with pytest.raises(CannotStart, match=r"\.env, line 2, is not NAME=value") as caught:
        env_files.parse("A=1\nhunter2\n", name=".env")

    assert "hunter2" not in str(caught.value)


def test_no_dotenv_says_nothing(tmp_path: Path) -> None:
    assert env_files.read_dotenv(tmp_path / ".env") == {}


def test_the_example_can_be_copied_as_it_is() -> None:
    example = ROOT / ".env.example"

    assert env_files.read_dotenv(example) == {}


def test_secrets_are_made_once(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"

    made = env_files.load_secrets(path)

    assert made == env_files.load_secrets(path)
    assert set(made) == set(env_files.GENERATED)
    assert len(set(made.values())) == len(made)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for name, key_id in (("ORSTA_KEY_PEPPERS", "p1"), ("ORSTA_FIELD_KEYS", "k1")):
        found, _, key = made[name].partition(":")
        assert found == key_id
        assert len(base64.b64decode(key, validate=True)) == 32


def test_a_ring_may_have_several_keys(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    made = env_files.load_secrets(path)
    ring = made["ORSTA_FIELD_KEYS"]
    path.write_text(path.read_text().replace(ring, f"k2:{ring[3:]},{ring}"))

    assert env_files.load_secrets(path)["ORSTA_FIELD_KEYS"] == f"k2:{ring[3:]},{ring}"


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("ORSTA_FIELD_KEYS=k1:", "ORSTA_FIELD_KEYS=k1:x"),
        lambda text: text.replace("ORSTA_FIELD_KEYS=k1:", "ORSTA_FIELD_KEYS="),
        lambda text: "garbage" + text,
    ],
)
def test_damaged_secrets_stop_the_start(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "secrets.env"
    env_files.load_secrets(path)
    damaged = damage(path.read_text())  # type: ignore[operator]
    path.write_text(damaged)

    with pytest.raises(CannotStart, match="restore it from a backup"):
        env_files.load_secrets(path)

    assert path.read_text() == damaged


def test_binary_garbage_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(CannotStart, match="can't be read"):
        env_files.load_secrets(path)


def test_a_private_file_replaces_an_open_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)

    env_files.write_private(path, "new")

    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_what_an_older_installation_lacks_is_added_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    made = env_files.load_secrets(path)
    older = [line for line in path.read_text().splitlines() if "DEVICES_PASSWORD" not in line]
    path.write_text("\n".join(older))

    found = env_files.load_secrets(path)

    assert found == env_files.load_secrets(path)
    assert found.pop("DEVICES_PASSWORD") != made.pop("DEVICES_PASSWORD")
    assert found == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
