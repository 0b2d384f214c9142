"""System checks of the configuration: every process runs them before it does anything."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.core.checks import Warning as Caution
from django.core.exceptions import ImproperlyConfigured

from accounts import environment_keys
from billing.providers import registry

_ENVIRONMENTS = ("development", "production", "test")
_PROXY_POLICIES = ("off", "available", "required")
_KEY_BYTES = 32
_MIN_SECRET_LENGTH = 32
_LIMIT = re.compile(r"[1-9]\d*/[1-9]\d*(/\d+)?")
_RATE = re.compile(r"[1-9]\d*/\d+(\.\d+)?")
_MAKE_SECRET = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"  # noqa: S105
_MAKE_KEY = 'echo "k1:$(openssl rand -base64 32)"'

Found = Iterable[Error | Caution]


def _secret_key() -> Found:
    try:
        weak = len(settings.SECRET_KEY) < _MIN_SECRET_LENGTH and settings.DEPLOYED
    except ImproperlyConfigured:  # Django's own words when it is empty
        weak = True
    if weak:
        yield Error(
            f"SECRET_KEY is missing or shorter than {_MIN_SECRET_LENGTH} characters.",
            hint=f"Set SECRET_KEY to the output of: {_MAKE_SECRET}",
            id="orsta.E001",
        )


def _rings() -> Found:
    for name, purpose, error_id in (
        ("ORSTA_KEY_PEPPERS", "It digests API keys and tokens.", "orsta.E002"),
        ("ORSTA_FIELD_KEYS", "It encrypts secrets at rest.", "orsta.E003"),
    ):
        ring = getattr(settings, name)
        if not ring or any(len(key) != _KEY_BYTES for key in ring.values()):
            yield Error(
                f"{name} is missing or has a key that is not {_KEY_BYTES} bytes.",
                hint=f"{purpose} Set it to the output of: {_MAKE_KEY}",
                id=error_id,
            )


def _hosts() -> Found:
    if settings.DEPLOYED and (not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS):
        yield Error(
            "ALLOWED_HOSTS is empty or allows every host.",
            hint="Set ALLOWED_HOSTS to the names this service is reached by, comma-separated.",
            id="orsta.E004",
        )


def _database() -> Found:
    if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
        yield Error(
            "The database is not PostgreSQL.",
            hint="Set DATABASE_URL to postgres://user:password@host:5432/name.",
            id="orsta.E005",
        )


def _debug() -> Found:
    if settings.DEPLOYED and settings.DEBUG:
        yield Error(
            "DEBUG is on in production; it shows settings and source to visitors.",
            hint="Unset DEBUG.",
            id="orsta.E006",
        )


def _outbound() -> Found:
    if settings.DEPLOYED and settings.ORSTA_OUTBOUND_ALLOW:
        yield Caution(
            "ORSTA_OUTBOUND_ALLOW lets customers' webhooks reach private networks.",
            hint="Leave it empty in production, unless these networks are meant to be reached.",
            id="orsta.W001",
        )


def _public_url() -> Found:
    if settings.DEPLOYED and not settings.ORSTA_PUBLIC_URL.startswith("https://"):
        yield Error(
            "ORSTA_PUBLIC_URL is missing or not https.",
            hint="Links in mails, passkeys and the webhooks of gateways need it: set it to "
            "https://, then the host.",
            id="orsta.E008",
        )


def _mail() -> Found:
    if settings.DEPLOYED and settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        yield Error(
            "Mail is only printed, so nobody can verify an address or reset a password.",
            hint="Set EMAIL_URL to smtp+tls://user:password@host:587.",
            id="orsta.E009",
        )


def _networks() -> Found:
    for name in ("ORSTA_TRUSTED_PROXIES", "ORSTA_OUTBOUND_ALLOW"):
        bad = [text for text in getattr(settings, name) if not _is_network(text)]
        if bad:
            yield Error(
                f"{name} holds what is no address and no network: {', '.join(bad)}.",
                hint="Use addresses or CIDR blocks, comma-separated: 10.0.0.7,10.1.0.0/16.",
                id="orsta.E010",
            )


def _limits() -> Found:
    known = settings.ORSTA_LIMIT_NAMES
    bad = [
        f"{name}={text}"
        for name, text in settings.ORSTA_LIMITS.items()
        if name not in known or not _LIMIT.fullmatch(text)
    ]
    if bad:
        yield Error(
            f"ORSTA_LIMITS holds what is no limit: {', '.join(bad)}.",
            hint="Names are in orsta/settings/limits.py; write them as standard_read=120/60.",
            id="orsta.E011",
        )


def _internal_keys() -> Found:
    wrong = environment_keys.problems(settings.INTERNAL_API_KEYS)
    if wrong:
        yield Error(
            f"INTERNAL_API_KEYS holds what is no key: {', '.join(wrong)}.",
            hint="Write service:key, or key for every service, comma-separated.",
            id="accounts.E001",
        )
    short = environment_keys.too_short(settings.INTERNAL_API_KEYS)
    if short and settings.DEPLOYED:
        yield Error(
            f"INTERNAL_API_KEYS can be guessed: {', '.join(short)} has fewer than "
            f"{environment_keys.MIN_LENGTH} characters.",
            hint=f"Make each with: {_MAKE_SECRET}",
            id="accounts.E002",
        )


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _engines() -> Found:
    unknown = set(settings.ORSTA_OFFERED_ENGINES) - set(settings.ORSTA_KNOWN_ENGINES)
    if unknown:
        yield Error(
            f"ORSTA_OFFERED_ENGINES holds what is no engine: {', '.join(sorted(unknown))}.",
            hint=f"There are: {', '.join(settings.ORSTA_KNOWN_ENGINES)}.",
            id="sessions_app.E001",
        )
    elif not settings.ORSTA_ENGINES:
        yield Caution(
            "No engine is offered, so nobody can create a session.",
            hint=f"Set ORSTA_OFFERED_ENGINES to some of: "
            f"{', '.join(settings.ORSTA_KNOWN_ENGINES)}.",
            id="sessions_app.W001",
        )
    elif settings.ORSTA_DEFAULT_ENGINE not in settings.ORSTA_ENGINES:
        yield Error(
            f"ORSTA_DEFAULT_ENGINE is {settings.ORSTA_DEFAULT_ENGINE!r}, which is not offered.",
            hint="Use one of ORSTA_OFFERED_ENGINES, or leave it out for the first of them.",
            id="sessions_app.E002",
        )


def _gateways() -> Found:
    # In production an address that is missing is E008.
    missing = not settings.ORSTA_PUBLIC_URL and not settings.DEPLOYED
    if "wuzapi" in settings.ORSTA_ENGINES and missing:
        yield Error(
            "Gateways have no address to post to: ORSTA_PUBLIC_URL is empty.",
            hint="Set it to the address by which the gateways reach this service.",
            id="sessions_app.E003",
        )


def _send_rates() -> Found:
    known = settings.ORSTA_KNOWN_ENGINES
    bad = [
        f"{engine}={text}"
        for engine, text in settings.ORSTA_SEND_RATES.items()
        if engine not in known or not _RATE.fullmatch(text)
    ]
    if bad:
        yield Error(
            f"ORSTA_SEND_RATES holds what is no rate of an engine: {', '.join(bad)}.",
            hint="Write engine=messages/seconds, comma-separated: neonize=3/3,wuzapi=3/2.5.",
            id="sessions_app.E007",
        )


def _choices() -> Found:
    """Find settings that name one of a few things, and name none of them."""
    for name, known, error_id in (
        ("ORSTA_ENVIRONMENT", _ENVIRONMENTS, "orsta.E007"),
        ("ORSTA_PROXY_POLICY", _PROXY_POLICIES, "sessions_app.E004"),
        ("ORSTA_PAYMENT_PROVIDER", registry.names(), "billing.E002"),
    ):
        chosen = getattr(settings, name)
        if chosen not in known:
            hint = f"Use one of: {', '.join(known)}."
            yield Error(f"{name} is {chosen!r}.", hint=hint, id=error_id)


def _payments() -> Found:
    sandbox = settings.ORSTA_PAYMENT_PROVIDER == "sandbox"
    if sandbox and not settings.ORSTA_ALLOW_SANDBOX_PAYMENTS:
        yield Error(
            "The sandbox payment provider takes no money, and this is production.",
            hint="Set ORSTA_PAYMENT_PROVIDER, or ORSTA_ALLOW_SANDBOX_PAYMENTS=true on purpose.",
            id="billing.E001",
        )


def _devices() -> Found:
    if "neonize" not in settings.ORSTA_ENGINES:
        return
    store = urlsplit(settings.ORSTA_NEONIZE_DSN)
    if not (store.scheme.startswith("postgres") and store.username and store.path.strip("/")):
        yield Error(
            "ORSTA_NEONIZE_DSN is missing or can't be read, and the engine neonize is offered.",
            hint="Set it to postgres://orsta_devices:password@host:5432/orsta_devices. "
            "`manage.py prepare_devices` makes that role and that database.",
            id="sessions_app.E005",
        )
    elif settings.DEPLOYED and store.username == settings.DATABASES["default"].get("USER"):
        yield Error(
            "The devices of sessions are read with the role of Orsta's own database.",
            hint="A role of its own keeps these accounts out of its reach and its dumps: set "
            "another in ORSTA_NEONIZE_DSN and run `manage.py prepare_devices`.",
            id="sessions_app.E006",
        )


_CHECKS: list[Callable[[], Found]] = [
    _secret_key,
    _rings,
    _hosts,
    _database,
    _debug,
    _choices,
    _outbound,
    _public_url,
    _mail,
    _networks,
    _limits,
    _internal_keys,
    _payments,
    _engines,
    _gateways,
    _send_rates,
    _devices,
]


def configuration(**_: Any) -> list[Error | Caution]:
    """Return what is wrong with the settings; `manage.py check` prints it."""
    return [message for check in _CHECKS for message in check()]


def connect() -> None:
    """Register the checks; every management command then runs them first."""
    register(configuration, Tags.security)


def require() -> None:
    """Refuse to go on with wrong settings, where no management command asks.

    :raises ImproperlyConfigured: with every error and its hint.
    """
    wrong = [message for message in configuration() if isinstance(message, Error)]
    if wrong:
        lines = [f"({message.id}) {message.msg} {message.hint}" for message in wrong]
        raise ImproperlyConfigured("\n".join(["Orsta does not start:", *lines]))
