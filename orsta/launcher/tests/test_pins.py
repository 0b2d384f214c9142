"""The locks agree with each other, and the extra says what it brings."""

from orsta.launcher.processes import ROOT


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


def test_the_extra_changes_no_pin_of_the_product() -> None:
    product, extra = pins("requirements.txt"), pins("requirements-neonize.txt")

    shared = product.keys() & extra.keys()
    assert {name: product[name] for name in shared} == {name: extra[name] for name in shared}
    assert "neonize" in extra.keys() - product.keys()


def test_the_tests_run_on_the_same_versions() -> None:
    tests = pins("requirements-dev.txt")

    assert pins("requirements.txt").items() <= tests.items()
    assert pins("requirements-neonize.txt").items() <= tests.items()


def test_the_extra_begins_with_its_licences() -> None:
    head = (ROOT / "requirements-neonize.txt").read_text().partition("\nanyio==")[0]

    for licence in ("Apache-2.0", "MPL-2.0", "GPL-3.0"):
        assert licence in head
    assert (ROOT / "requirements-neonize.in").read_text().startswith(head)
