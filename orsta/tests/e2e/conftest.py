"""One running Orsta for all of these tests; those that stop it start another."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orsta.launcher.valkey import free_port
from orsta.tests.e2e.client import Customer
from orsta.tests.e2e.stack import Stack

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, give each the time that a start takes, and begin with them.

    `orsta.tests.scheduling` gives all of them to one process of the test run.
    """
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(600))
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """What `make run` starts: base_url, credentials, pid_of, kill, logs, get."""
    running = Stack(
        data=tmp_path_factory.mktemp("stack") / "data",
        port=free_port(),
        extra={"ORSTA_SANDBOX_SPEED": "5"},
    )
    running.start()
    yield running
    assert running.stop() == 0
    assert running.left() == []


@pytest.fixture
def newcomer(stack: Stack) -> Iterator[Customer]:
    """A customer who signed up and did not pay."""
    with closing(Customer(stack.base_url)) as customer:
        yield customer


@pytest.fixture
def customer(newcomer: Customer) -> Customer:
    """A customer who paid."""
    newcomer.pay()
    return newcomer


@pytest.fixture
def stranger(stack: Stack) -> Iterator[Customer]:
    """Another customer who paid."""
    with closing(Customer(stack.base_url)) as other:
        other.pay()
        yield other


@pytest.fixture
def make_stack(tmp_path: Path) -> Iterator[Callable[[], Stack]]:
    """Make handles of an Orsta that the test starts and stops; all on the same data."""
    made: list[Stack] = []

    def make() -> Stack:
        made.append(Stack(data=tmp_path / "data", port=free_port()))
        return made[-1]

    yield make
    for one in made:
        if one.process is not None and one.process.poll() is None:
            one.stop()
