"""Connect the app to the process: engine options, readiness, metrics."""

from django.conf import settings
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from accounts import exports as tenant_exports
from accounts import purging as tenant_purging
from orsta.core.observability import health
from orsta.core.observability import metrics as registry_of_metrics
from sessions_app import metrics, selectors
from sessions_app.engines import registry
from sessions_app.services import archive, purging


def connect() -> None:
    """Run once per process, when all apps are ready."""
    registry.configure(engine_options())
    health.register("runner", _runner)
    registry_of_metrics.register(metrics.metrics)
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
    if "sandbox" in options:
        options["sandbox"].setdefault("dsn", make_conninfo(**known))
    return options


def _runner() -> health.Outcome:
    fleet = selectors.fleet(now=timezone.now())
    detail = f"{fleet.runners} alive, {fleet.sessions} of {fleet.capacity} sessions"
    if fleet.runners:
        detail += f", versions {', '.join(fleet.versions)}"
    if len(fleet.versions) > 1:
        detail += " (degraded: they differ)"
    return health.Outcome(ok=fleet.runners > 0, detail=detail)
