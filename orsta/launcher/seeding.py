"""The first rows: plans, a staff login, a service key and a demo tenant on the sandbox.

Safe to repeat. A key is shown once and kept as a digest, so what earlier runs wrote to the
credentials file is kept as long as it still opens this database, and replaced otherwise.
"""

import logging
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from accounts import selectors as accounts
from accounts.models import Tenant, User
from accounts.services import keys, service_keys, signup
from billing.providers import registry
from billing.providers.sandbox import SandboxProvider
from billing.services import payments
from orsta.core.errors import DomainError
from subscriptions.models import Feature, Plan, RateClass
from subscriptions.services import plans

logger = logging.getLogger(__name__)

STAFF_EMAIL = "staff@orsta.local"
STAFF_USERNAME = "staff"
DEMO_EMAIL = "demo@orsta.local"
DEMO_USERNAME = "demo"
DEFAULT_PLAN = "starter"
PLANS: dict[str, tuple[Plan, dict[str, int | None]]] = {
    DEFAULT_PLAN: (
        Plan(code=DEFAULT_PLAN, name="Starter", price_minor=999, currency="USD"),
        {
            Feature.SESSIONS: 3,
            Feature.MESSAGES: 10_000,
            Feature.CONTACTS: 5_000,
            Feature.WEBHOOK_ENDPOINTS: 2,
            Feature.AGENTS: 1,
            Feature.HISTORY_DAYS: 7,
        },
    ),
    "business": (
        Plan(
            code="business",
            name="Business",
            price_minor=4900,
            currency="USD",
            rate_class=RateClass.PLUS,
        ),
        {
            Feature.SESSIONS: 25,
            Feature.MESSAGES: 250_000,
            Feature.CONTACTS: 100_000,
            Feature.WEBHOOK_ENDPOINTS: 10,
            Feature.AGENTS: 10,
            Feature.HISTORY_DAYS: 30,
        },
    ),
}


@dataclass(frozen=True)
class Login:
    """How a person signs in."""

    email: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Demo(Login):
    """The demo tenant; `api_key` is active."""

    username: str
    tenant: str
    api_key: str = field(repr=False)


@dataclass(frozen=True)
class Credentials:
    """What the credentials file holds."""

    url: str
    staff: Login
    internal_api_key: str = field(repr=False)
    demo: Demo | None

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Known:
    """What an earlier run wrote down and what this one was given; empty means nothing."""

    staff_password: str = field(default="", repr=False)
    demo_password: str = field(default="", repr=False)
    internal_api_key: str = field(default="", repr=False)
    demo_api_key: str = field(default="", repr=False)


def seed(*, known: Known, url: str, now: datetime) -> Credentials:
    """Make what is missing and return how to get in."""
    make_plans()
    return Credentials(
        url=url,
        staff=make_staff(password=known.staff_password),
        internal_api_key=make_service_key(known.internal_api_key, now=now),
        demo=make_demo(password=known.demo_password, api_key=known.demo_api_key, now=now),
    )


def make_plans() -> None:
    """Offer the first plans; what staff changed since stays."""
    has_default = Plan.objects.filter(is_default=True).exists()
    for plan, limits in PLANS.values():
        plan.is_default = plan.code == DEFAULT_PLAN and not has_default
        plans.offer(plan, limits)
    plans.partner_plan()


def make_staff(*, password: str) -> Login:
    """Make the superuser; one that exists keeps its password."""
    password = password or secrets.token_urlsafe(18)
    if not User.objects.filter(email=STAFF_EMAIL).exists():
        User.objects.create_superuser(
            username=STAFF_USERNAME, email=STAFF_EMAIL, password=password
        )
    return Login(email=STAFF_EMAIL, password=password)


def make_service_key(text: str, *, now: datetime) -> str:
    """Return this key for `/internal` if it works here, else a new one."""
    if text and accounts.principal_of_service_key(text, now=now):
        return text
    return service_keys.issue(source="", now=now).text


def make_demo(*, password: str, api_key: str, now: datetime) -> Demo | None:
    """Sign the demo customer up once, and leave it with an active key that we can show.

    Where that can't be (somebody else is called `demo`), there is no demo.
    """
    password = password or secrets.token_urlsafe(18)
    user = User.objects.filter(email=DEMO_EMAIL).first()
    if user is None:
        try:
            signed_up = signup.sign_up(
                username=DEMO_USERNAME, email=DEMO_EMAIL, password=password, now=now
            )
        except signup.AlreadyExists as error:
            logger.warning("No demo tenant", extra={"reason": str(error)})
            return None
        user, api_key = signed_up.user, signed_up.api_key
        User.objects.filter(pk=user.pk).update(email_verified_at=now)  # nobody reads its mail
    tenant = accounts.tenant_of(user)
    if tenant is None:
        logger.warning("No demo tenant", extra={"reason": "its user has no tenant"})
        return None
    return Demo(
        email=DEMO_EMAIL,
        password=password,
        username=user.username,
        tenant=tenant.public_id,
        api_key=_working_key(tenant, user, api_key, now=now),
    )


def _working_key(tenant: Tenant, user: User, text: str, *, now: datetime) -> str:
    """Return the key if it is the tenant's, else a new one; turned on with the sandbox."""
    if not _opens(tenant, text, now=now):
        text = _replace(tenant, user, now=now)
    if registry.provider().name == SandboxProvider.name:  # never with real money
        try:
            payments.enable_api_key(tenant=tenant, user=user, now=now)
        except DomainError as error:  # no plan for sale, or a payment that has yet to settle
            logger.warning("The demo's key is off", extra={"reason": str(error)})
    return text


def _opens(tenant: Tenant, text: str, *, now: datetime) -> bool:
    """Return whether the text is this tenant's key, active or not."""
    key = accounts.living_api_key(text, now=now)
    return key is not None and key.tenant == tenant


def _replace(tenant: Tenant, user: User, *, now: datetime) -> str:
    present = accounts.current_api_key(tenant=tenant)
    if present is None:
        return keys.issue(tenant=tenant, user=user, now=now).text
    return keys.rotate(key=present, user=user, now=now).text
