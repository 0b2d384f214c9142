"""`.env.example` documents what is read."""

import re

from orsta.launcher.processes import ROOT

LAUNCHER = {"HOST", "PORT", "ORSTA_DATA", "ENGINE", "TEST_DATABASE_URL", "TEST_REDIS_URL"}


def test_every_variable_of_the_settings_is_in_the_example() -> None:
    sources = (ROOT / "orsta" / "settings").glob("*.py")
    text = "\n".join(source.read_text() for source in sources)
    read = set(re.findall(r"\benv\.\w+\(\s*\"([A-Z_]+)\"", text))
    read |= set(re.findall(r"_key_ring\(\"([A-Z_]+)\"\)", text))

    example = (ROOT / ".env.example").read_text()
    documented = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))

    assert documented == read | LAUNCHER
