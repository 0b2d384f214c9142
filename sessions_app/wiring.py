"""Connect the app to the process: engine options, readiness, metrics."""

from django.conf import settings
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from accounts import exports as tenant_exports
from accounts import purging as tenant_purging
from orsta.core.observability import health, metrics
from sessions_app import selectors
from sessions_app.engines import registry
from sessions_app.services import archive, purging


def connect() -> None:
    """Run once per process, when all apps are ready."""
    registry.configure(engine_options())
    health.register("runner", _runner)
    metrics.register(selectors.metrics)
    tenant_purging.register(purging.purge)
    tenant_exports.register("sessions", archive.sessions, archive.count_sessions)
    tenant_exports.register("session_transitions", archive.transitions)


def engine_options() -> dict[str, dict[str, object]]:
    """Add the database's address, as PostgreSQL's own tools write it, to the settings."""
    database = settings.DATABASES["default"]
    names = {
        "HOST": "host",
        "PORT": "port",
        "USER": "user",
        "PASSWORD": "password",
        "NAME": "dbname",
    }
    known = {name: database[key] for key, name in names.items() if database.get(key)}
    # The rest of the URL, such as the folder of a socket; the pool is Django's own.
    known |= {key: value for key, value in database["OPTIONS"].items() if key != "pool"}
    options = {kind: dict(values) for kind, values in settings.ORSTA_ENGINES.items()}
    options["sandbox"].setdefault("dsn", make_conninfo(**known))
    return options


def _runner() -> health.Outcome:
    alive = selectors.live_runners(now=timezone.now()).count()
    return health.Outcome(ok=alive > 0, detail=f"{alive} alive")
