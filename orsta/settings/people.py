"""Who gets in: people, sibling services, and where their mail goes."""

from orsta.settings.base import DEPLOYED, env

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]  # argon2id
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/console/login"
LOGIN_REDIRECT_URL = "/admin/"  # Django's own login is that of staff

# Until its address is verified, a person may look around and nothing more.
ORSTA_REQUIRE_VERIFIED_EMAIL = env.bool("ORSTA_REQUIRE_VERIFIED_EMAIL", default=DEPLOYED)
# Staff need a second factor in the admin.
ORSTA_REQUIRE_STAFF_FACTOR = env.bool("ORSTA_REQUIRE_STAFF_FACTOR", default=DEPLOYED)
# The address of the console, as links in mails and passkeys have it. Passkeys need a name.
_HERE = "" if DEPLOYED else f"http://localhost:{env.int('PORT', default=8000)}"
ORSTA_PUBLIC_URL = env.str("ORSTA_PUBLIC_URL", default=_HERE)
# Keys of sibling services from the environment: `service:key`, or `key` for every service.
INTERNAL_API_KEYS = env.list("INTERNAL_API_KEYS", default=[])
# Proxies whose X-Forwarded-For is believed: addresses or CIDR blocks.
ORSTA_TRUSTED_PROXIES = env.list("ORSTA_TRUSTED_PROXIES", default=[])

# Mail. Development prints it where the Celery worker logs.
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 20  # seconds; a mail server that hangs holds a worker
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Orsta <no-reply@localhost>")
