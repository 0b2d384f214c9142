"""Which process of the test run takes which test; loaded by `pytest.ini`.

xdist 3.8 writes the names of groups where pytest 9 does not look for them, so that
`--dist loadgroup` by itself would spread groups like any other tests.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

# By how their paths begin: those of e2e share one running Orsta, which takes half a minute to
# start; those of neonize one store of devices, which each of them empties.
TOGETHER = {
    "orsta/tests/e2e/": "e2e",
    "sessions_app/engines/tests/test_neonize": "neonize",
    "sessions_app/runner/tests/neonize/": "neonize",
}


class Schedule(LoadGroupScheduling):
    """The tests of one group go to one process, all others to whoever is free.

    xdist begins with the largest group: the others fill the other processes meanwhile.
    """

    def _split_scope(self, nodeid: str) -> str:
        groups = (name for start, name in TOGETHER.items() if nodeid.startswith(start))
        return next(groups, nodeid)


def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Producer
) -> LoadGroupScheduling | None:
    """Take over from `--dist loadgroup`; another choice on the command line stands."""
    if config.getvalue("dist") == "loadgroup":
        return Schedule(config, log)
    return None
