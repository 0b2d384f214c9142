"""Settings, all from the environment. `.env.example` documents every variable."""

import base64
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from csp.constants import NONCE
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
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
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

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Publishing fails fast when Redis is away: the outbox keeps the event and tries again.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,  # longer than any task; a dead worker's tasks come back after it
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    # Publishing gives up at once as well: by default this takes six seconds.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "prune-outbox": {
        "task": "orsta.core.outbox.tasks.prune_outbox",
        "schedule": timedelta(hours=1),
    },
    "prune-idempotency": {
        "task": "orsta.core.api.tasks.prune_idempotency",
        "schedule": timedelta(hours=1),
    },
    "resume-provisioning": {
        "task": "sessions_app.tasks.resume_provisioning",
        "schedule": timedelta(seconds=30),
    },
    "watch-runners": {
        "task": "sessions_app.tasks.watch_runners",
        "schedule": timedelta(seconds=15),
    },
    "resume-contact-syncs": {
        "task": "sessions_app.contacts.tasks.resume_syncs",
        "schedule": timedelta(seconds=30),
    },
    "reconcile-payments": {
        "task": "billing.tasks.reconcile_payments",
        "schedule": timedelta(minutes=1),
    },
    "forget-payment-keys": {
        "task": "billing.tasks.forget_keys",
        "schedule": timedelta(hours=1),
    },
    "expire-subscriptions": {
        "task": "subscriptions.tasks.expire_subscriptions",
        "schedule": timedelta(minutes=1),
    },
}

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]  # argon2id
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/console/login"

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
}

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "orsta.core.api.schema.ProblemSchema",
    "EXCEPTION_HANDLER": "orsta.core.api.errors.handle",
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.HasPrincipal"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["orsta.core.api.parsers.JsonBodyParser"],
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Orsta",
    "DESCRIPTION": "WhatsApp sessions as a service.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "SessionStatus": "sessions_app.states.SessionStatus",
        "MessageStatus": "sessions_app.messaging.states.MessageStatus",
    },
}

# Security. TLS ends at the proxy, which says so in X-Forwarded-Proto.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if DEPLOYED else None
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=DEPLOYED)
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if DEPLOYED else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = DEPLOYED
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = DEPLOYED
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = DEPLOYED
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_FAILURE_VIEW = "orsta.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

_SELF = "'self'"
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [_SELF],
        "script-src": [_SELF],
        # A nonce is only sent with pages that use it: those of the admin.
        "style-src": [_SELF, NONCE],
        "img-src": [_SELF, "data:"],
        "connect-src": [_SELF],
        "object-src": ["'none'"],
        "base-uri": [_SELF],
        "frame-ancestors": ["'none'"],
        "form-action": [_SELF],
    }
}

# Which payment provider charges; see billing/providers/registry.py.
ORSTA_PAYMENT_PROVIDER = env.str("ORSTA_PAYMENT_PROVIDER", default="sandbox")
# The sandbox takes no real money: a deployed Orsta must say that it wants it.
ORSTA_ALLOW_SANDBOX_PAYMENTS = env.bool("ORSTA_ALLOW_SANDBOX_PAYMENTS", default=not DEPLOYED)

# Constructor options of the engines; see sessions_app/engines/registry.py.
ORSTA_ENGINES: dict[str, dict[str, Any]] = {
    "sandbox": {"speed": env.float("ORSTA_SANDBOX_SPEED", default=1.0)},
}
ORSTA_DEFAULT_ENGINE = env.str("ORSTA_DEFAULT_ENGINE", default="sandbox")

# The runner. Takeover after a crash takes at most the TTL and one claim interval.
ORSTA_RUNNER_NODE = env.str("ORSTA_RUNNER_NODE", default="")
ORSTA_RUNNER_CAPACITY = env.int("ORSTA_RUNNER_CAPACITY", default=500)
