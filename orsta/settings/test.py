"""What the tests change, and nothing else. `make test` provides the servers' addresses."""

from orsta.settings import *  # noqa: F403

SECRET_KEY = "test"  # noqa: S105
ORSTA_KEY_PEPPERS = {"p1": b"p" * 32}
ORSTA_FIELD_KEYS = {"k1": b"k" * 32}
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
# Argon2id all the same, with the cheapest parameters.
PASSWORD_HASHERS = ["orsta.core.testing.hashers.CheapArgon2Hasher"]
ORSTA_ENGINES["sandbox"]["speed"] = 50.0  # noqa: F405
ORSTA_CONTACTS_WAIT_SECONDS = 0.0
ORSTA_COMMAND_WAIT_SECONDS = 0.0
ORSTA_FLAP_SECONDS = 0.0
ORSTA_CONNECTS_PER_SECOND = 200.0
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
# Look for a file when it is asked for: every test client would list them all beforehand.
WHITENOISE_AUTOREFRESH = True
STORAGES["exports"] = {"BACKEND": "django.core.files.storage.InMemoryStorage"}  # noqa: F405
