"""A configuration that lacks something refuses to start, and says what to set."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from orsta import checks

GOOD = b"k" * 32


@pytest.fixture
def deployed(settings):
    """Return settings of a complete production."""
    settings.DEPLOYED = True
    settings.ORSTA_ENVIRONMENT = "production"
    settings.DEBUG = False
    settings.SECRET_KEY = "x" * 50
    settings.ALLOWED_HOSTS = ["orsta.example"]
    settings.ORSTA_PAYMENT_PROVIDER = "sandbox"
    settings.ORSTA_ALLOW_SANDBOX_PAYMENTS = True
    settings.ORSTA_PUBLIC_URL = "https://orsta.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    return settings


def ids() -> list[str]:
    return [message.id for message in checks.configuration()]


def test_a_complete_production_starts(deployed):
    assert ids() == []
    checks.require()


def test_the_tests_own_configuration_is_complete():
    assert ids() == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SECRET_KEY", "", "orsta.E001"),
        ("SECRET_KEY", "short", "orsta.E001"),
        ("ORSTA_KEY_PEPPERS", {}, "orsta.E002"),
        ("ORSTA_KEY_PEPPERS", {"p1": b"short"}, "orsta.E002"),
        ("ORSTA_KEY_PEPPERS", {"p2": GOOD, "p1": b""}, "orsta.E002"),
        ("ORSTA_FIELD_KEYS", {}, "orsta.E003"),
        ("ORSTA_FIELD_KEYS", {"k1": GOOD + b"1"}, "orsta.E003"),
        ("ALLOWED_HOSTS", [], "orsta.E004"),
        ("ALLOWED_HOSTS", ["orsta.example", "*"], "orsta.E004"),
        ("DEBUG", True, "orsta.E006"),
        ("ORSTA_ENVIRONMENT", "prod", "orsta.E007"),
        ("ORSTA_OUTBOUND_ALLOW", ["10.0.0.0/8"], "orsta.W001"),
        ("ORSTA_PUBLIC_URL", "", "orsta.E008"),
        ("ORSTA_PUBLIC_URL", "http://orsta.example", "orsta.E008"),
        ("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend", "orsta.E009"),
        ("ORSTA_TRUSTED_PROXIES", ["10.0.0.1/8"], "orsta.E010"),
        ("ORSTA_TRUSTED_PROXIES", ["proxy.example"], "orsta.E010"),
        ("ORSTA_LIMITS", {"nonsense": "1/60"}, "orsta.E011"),
        ("ORSTA_LIMITS", {"standard_read": "1"}, "orsta.E011"),
        ("ORSTA_LIMITS", {"standard_read": "0/60"}, "orsta.E011"),
        ("INTERNAL_API_KEYS", [":" + "k" * 40], "accounts.E001"),
        ("INTERNAL_API_KEYS", ["genfity:"], "accounts.E001"),
        ("INTERNAL_API_KEYS", ["x" * 65 + ":" + "k" * 40], "accounts.E001"),
        ("INTERNAL_API_KEYS", ["genfity:" + "k" * 31], "accounts.E002"),
        ("INTERNAL_API_KEYS", ["k" * 31], "accounts.E002"),
        ("ORSTA_ALLOW_SANDBOX_PAYMENTS", False, "billing.E001"),
        ("ORSTA_PAYMENT_PROVIDER", "strip", "billing.E002"),
        ("ORSTA_OFFERED_ENGINES", ["sandbox", "telepathy"], "sessions_app.E001"),
        ("ORSTA_ENGINES", {}, "sessions_app.W001"),
        ("ORSTA_DEFAULT_ENGINE", "wuzapi", "sessions_app.E002"),
        ("ORSTA_PROXY_POLICY", "always", "sessions_app.E004"),
        ("ORSTA_SEND_RATES", {"neonize": "3"}, "sessions_app.E007"),
        ("ORSTA_SEND_RATES", {"neonize": "0/3"}, "sessions_app.E007"),
        ("ORSTA_SEND_RATES", {"telepathy": "3/3"}, "sessions_app.E007"),
    ],
)
def test_each_mistake_has_its_id_and_a_hint(deployed, name, value, expected):
    setattr(deployed, name, value)

    (message,) = checks.configuration()

    assert message.id == expected
    assert len(message.hint) > 10


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
def test_b14_postgresql_is_the_only_database(deployed):
    deployed.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3"}}

    assert ids() == ["orsta.E005"]


def test_gateways_need_an_address_to_post_to(deployed):
    deployed.ORSTA_ENGINES = {"wuzapi": {}}
    deployed.ORSTA_DEFAULT_ENGINE = "wuzapi"
    deployed.ORSTA_PUBLIC_URL = ""

    assert ids() == ["orsta.E008"]
    deployed.DEPLOYED = False
    assert ids() == ["sessions_app.E003"]


@pytest.mark.parametrize("dsn", ["", "orsta_devices.sqlite3", "postgres://db/devices"])
def test_the_engine_neonize_needs_a_database_for_its_devices(settings, dsn):
    settings.ORSTA_ENGINES = {"sandbox": {}, "neonize": {}}
    settings.ORSTA_NEONIZE_DSN = dsn

    (found,) = checks.configuration()

    assert found.id == "sessions_app.E005"
    assert "manage.py prepare_devices" in found.hint


def test_orstas_own_role_may_not_be_that_of_the_devices_when_deployed(deployed):
    deployed.ORSTA_ENGINES = {"neonize": {}}
    deployed.ORSTA_DEFAULT_ENGINE = "neonize"
    role = deployed.DATABASES["default"]["USER"]
    deployed.ORSTA_NEONIZE_DSN = f"postgres://{role}:hidden@db/orsta_devices"

    (found,) = checks.configuration()

    assert found.id == "sessions_app.E006"
    assert "hidden" not in f"{found.msg} {found.hint}"
    deployed.ORSTA_NEONIZE_DSN = "postgres://orsta_devices:hidden@db/orsta_devices"
    assert ids() == []


def test_development_may_be_sloppy_about_hosts_but_not_about_keys(deployed):
    deployed.DEPLOYED = False
    deployed.ORSTA_ENVIRONMENT = "development"
    deployed.ALLOWED_HOSTS = ["*"]
    deployed.DEBUG = True
    deployed.SECRET_KEY = "short"
    deployed.ORSTA_FIELD_KEYS = {}

    assert ids() == ["orsta.E003"]


def test_requiring_names_everything_at_once_but_warnings(deployed):
    deployed.ORSTA_KEY_PEPPERS = {}
    deployed.ORSTA_FIELD_KEYS = {}
    deployed.ORSTA_OUTBOUND_ALLOW = ["10.0.0.0/8"]

    with pytest.raises(ImproperlyConfigured) as refused:
        checks.require()

    said = str(refused.value)
    assert "orsta.E002" in said
    assert "orsta.E003" in said
    assert "openssl rand -base64 32" in said
    assert "orsta.W001" not in said


def start(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Start a process of ours with nothing configured but what is given."""
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "orsta.settings"}
    return subprocess.run(  # noqa: S603
        [sys.executable, *command],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "check"],
        ["manage.py", "run_relay"],
        ["manage.py", "migrate", "--plan"],
        ["-c", "import orsta.asgi"],
        ["-m", "celery", "-A", "orsta", "worker", "--pool=solo"],
        ["-m", "celery", "-A", "orsta", "beat", "-s", os.devnull],
    ],
    ids=" ".join,
)
def test_b1_b15_no_process_starts_without_its_secrets(command):
    process = start(*command)

    assert process.returncode != 0
    said = process.stdout + process.stderr
    for expected in ("orsta.E001", "orsta.E002", "orsta.E003", "orsta.E004", "billing.E001"):
        assert expected in said


def test_a_key_that_is_no_base64_is_a_sentence():
    process = start("manage.py", "check", ORSTA_FIELD_KEYS="k1:not base64!")

    assert process.returncode != 0
    assert "ORSTA_FIELD_KEYS" in process.stderr.splitlines()[-1]


def test_keys_of_services_may_be_short_in_development_and_are_never_printed(settings):
    settings.INTERNAL_API_KEYS = ["genfity:secret-1", ":secret-2"]

    (found,) = checks.configuration()

    assert found.id == "accounts.E001"
    assert "entry 2 has no service before the colon" in found.msg
    assert "secret" not in f"{found.msg} {found.hint}"
