"""Settings, all from the environment. `.env.example` documents every variable."""

import base64
import os
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured

django_stubs_ext.monkeypatch()  # lets generics such as QuerySet[Session] exist at run time

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()

# What this process is part of: "development" (make run), "test", or "production". The test
# settings can't set it: Python runs this package before its module `test`.
_TESTING = os.environ.get("DJANGO_SETTINGS_MODULE", "").endswith(".test")
ORSTA_ENVIRONMENT = env.str("ORSTA_ENVIRONMENT", default="test" if _TESTING else "production")
DEPLOYED = ORSTA_ENVIRONMENT == "production"
DEBUG = env.bool("DEBUG", default=False)
ORSTA_DATA = Path(env.str("ORSTA_DATA", default=str(BASE_DIR / ".orsta")))


def _key_ring(name: str) -> dict[str, bytes]:
    """Read `id:base64,id:base64`; the first entry is the one that writes."""
    entries = (entry.split(":", 1) for entry in env.list(name, default=[]))
    try:
        return {key_id.strip(): base64.b64decode(value) for key_id, value in entries}
    except ValueError as error:
        message = f"{name} is not of the form id:base64,id:base64."
        raise ImproperlyConfigured(message) from error


# Secrets have no defaults; orsta/checks.py says which are missing and how to make them.
SECRET_KEY = env.str("SECRET_KEY", default="")
ORSTA_KEY_PEPPERS = _key_ring("ORSTA_KEY_PEPPERS")
ORSTA_FIELD_KEYS = _key_ring("ORSTA_FIELD_KEYS")

ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if DEPLOYED else ["127.0.0.1", "localhost"]
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ORSTA_OUTBOUND_ALLOW = env.list("ORSTA_OUTBOUND_ALLOW", default=[])

INSTALLED_APPS = [
    "daphne",  # only for runserver
    "orsta.core.api",
    "orsta.core.outbox",
    "accounts",
    "subscriptions",
    "billing",
    "sessions_app",
    "sessions_app.contacts",
    "sessions_app.messaging",
    "sessions_app.realtime",
    "orsta.launcher",
    "orsta.backoffice",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "csp",
]

MIDDLEWARE = [
    "orsta.core.observability.middleware.TraceMiddleware",
    "orsta.core.api.middleware.OriginMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "orsta.backoffice.staff_login.StaffFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "orsta.urls"
ASGI_APPLICATION = "orsta.asgi.application"
WSGI_APPLICATION = "orsta.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "orsta.backoffice.templates.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    }
]

# The threads of a process share a pool: the web process has 16 for HTTP and 8 for sockets.
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default="postgres://orsta@127.0.0.1:5432/orsta")
}
DATABASES["default"].setdefault("OPTIONS", {})
if ORSTA_ENVIRONMENT != "test":
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL_SIZE", default=25),
        "timeout": 3,  # seconds; whoever waits for a lost database holds one of the threads
        # The pool waits twice as long after each failure; after this long it starts over, so
        # that it is back a second after the database and not as late as the outage was long.
        "reconnect_timeout": 1,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
    },
    # What one process may know for some seconds; it needs nobody.
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            "hosts": [REDIS_URL],
            "capacity": 2_000,
            "expiry": 30,
            "group_expiry": 300,  # open sockets renew their memberships every minute
        },
    }
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
# Elsewhere WhiteNoise serves from where the files are, and needs no folder.
STATIC_ROOT = (
    env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")) if DEPLOYED else None
)
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not DEPLOYED  # without collectstatic, as `make run` starts it
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if DEPLOYED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
    # Tenants' archives: the worker writes, the web process reads. On several machines this is
    # a folder that they share.
    "exports": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": env.str("ORSTA_EXPORTS", default=str(ORSTA_DATA / "exports")),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}

# Which payment provider charges; see billing/providers/registry.py.
ORSTA_PAYMENT_PROVIDER = env.str("ORSTA_PAYMENT_PROVIDER", default="sandbox")
# The sandbox takes no real money: a deployed Orsta must say that it wants it.
ORSTA_ALLOW_SANDBOX_PAYMENTS = env.bool("ORSTA_ALLOW_SANDBOX_PAYMENTS", default=not DEPLOYED)

# How long a list of contacts waits for a sync that it asked for, before it shows what is known.
ORSTA_CONTACTS_WAIT_SECONDS = env.float("ORSTA_CONTACTS_WAIT_SECONDS", default=2.0)

# Pairing: how often a session may show codes within an hour, and how many requests of one
# process may wait for a code, an answer or a look-up at once (each holds a thread of 16).
ORSTA_PAIRING_ATTEMPTS_PER_HOUR = env.int("ORSTA_PAIRING_ATTEMPTS_PER_HOUR", default=5)
ORSTA_WAITERS = env.int("ORSTA_WAITERS", default=4)
# How long the answer to a request for a pairing code or a look-up waits for its outcome.
ORSTA_COMMAND_WAIT_SECONDS = env.float("ORSTA_COMMAND_WAIT_SECONDS", default=5.0)

# The runner. Takeover after a crash takes at most the TTL and one claim interval.
ORSTA_RUNNER_NODE = env.str("ORSTA_RUNNER_NODE", default="")
ORSTA_RUNNER_CAPACITY = env.int("ORSTA_RUNNER_CAPACITY", default=500)
# Connections that one runner opens per second.
ORSTA_CONNECTS_PER_SECOND = env.float("ORSTA_CONNECTS_PER_SECOND", default=5.0)
# How long a broken stream may take to come back before anybody is told.
ORSTA_FLAP_SECONDS = env.float("ORSTA_FLAP_SECONDS", default=60.0)
# By engine: messages at once, then seconds for each further one; without limit if missing.
ORSTA_SEND_RATES: dict[str, str] = env.dict(
    "ORSTA_SEND_RATES", default={"neonize": "3/3", "wuzapi": "3/3"}
)
