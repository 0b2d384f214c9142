"""`make run ENGINE=...`: which engines a start offers, and what they need."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec

from orsta.launcher import devices
from orsta.launcher.errors import CannotStart
from orsta.launcher.options import Options

SANDBOX, NEONIZE, WUZAPI = KINDS = ("sandbox", "neonize", "wuzapi")
DSN = "ORSTA_NEONIZE_DSN"
ADVICE = {
    NEONIZE: "New sessions are real: scan their code with WhatsApp on a phone.",
    WUZAPI: (
        "Add a gateway before the first session: Gateways in the admin, with the address of "
        "a WuzAPI server and its admin token. Without one, only the sandbox takes sessions."
    ),
}


def check(options: Options) -> None:
    """Make sure that the engine asked for is one, and is installed.

    :raises CannotStart: when it is not.
    """
    if options.engine not in KINDS:
        raise CannotStart(f"ENGINE is {options.engine}: set it to one of {', '.join(KINDS)}.")
    if options.engine == NEONIZE and find_spec("neonize") is None:
        raise CannotStart(
            "The engine neonize is not installed: start with `make run ENGINE=neonize`, "
            "which installs requirements-neonize.txt."
        )


def with_engine(
    options: Options, urls: Mapping[str, str], *, secrets: Mapping[str, str]
) -> dict[str, str]:
    """Add what Orsta's processes are told of the engine to the servers' addresses.

    What the caller set wins.
    """
    if options.engine == SANDBOX:
        return dict(urls)
    chosen = {
        "ORSTA_OFFERED_ENGINES": f"{SANDBOX},{options.engine}",
        "ORSTA_DEFAULT_ENGINE": options.engine,
    }
    if options.engine == NEONIZE:
        database = urls.get("DATABASE_URL") or options.database_url
        chosen[DSN] = devices.beside(database, password=secrets["DEVICES_PASSWORD"])
    return {**urls, **{name: options.environment.get(name) or chosen[name] for name in chosen}}


def prepare(options: Options, *, env: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Make what the engine needs on the server of Orsta's own database, which runs by now.

    :raises CannotStart: when that can't be made.
    """
    if options.engine == NEONIZE and not options.environment.get(DSN):
        say("Checking the database for the devices")
        devices.prepare(env[DSN], admin_url=env["DATABASE_URL"])


def advice(options: Options) -> str:
    """Return what the operator has to know of the engine, empty for the sandbox."""
    return ADVICE.get(options.engine, "")
