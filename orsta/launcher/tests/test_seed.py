"""The first rows."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts import selectors
from accounts.models import ApiKey, ServiceKey, Tenant, User
from billing.models import Payment
from billing.providers import registry
from billing.providers.sandbox import SandboxProvider
from subscriptions.models import Plan, PlanEntitlement, Subscription

pytestmark = pytest.mark.django_db(transaction=True)  # a payment commits between its steps


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STAFF_PASSWORD", "given-to-staff")
    monkeypatch.delenv("DEMO_PASSWORD", raising=False)
    return tmp_path / "credentials.json"


def run(path: Path) -> dict[str, Any]:
    call_command("seed", credentials=path, url="http://there", verbosity=0)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def rows() -> list[int]:
    models = (User, Tenant, ApiKey, ServiceKey, Plan, Payment, Subscription)
    return [model.objects.count() for model in models]


def test_it_makes_everything_once(path: Path) -> None:
    first = run(path)
    before = rows()

    assert run(path) == first
    assert rows() == before == [2, 1, 1, 1, 3, 1, 1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_plans_have_their_prices_and_one_is_the_default(path: Path) -> None:
    run(path)

    fields = ("code", "price_minor", "currency", "rate_class", "is_default", "is_active")
    assert list(Plan.objects.order_by("price_minor").values_list(*fields)) == [
        ("partner", 0, "USD", "STANDARD", False, False),
        ("starter", 999, "USD", "STANDARD", True, True),
        ("business", 4900, "USD", "PLUS", False, True),
    ]
    limits = PlanEntitlement.objects.filter(feature__in=["SESSIONS", "MESSAGES"])
    assert set(limits.values_list("plan__code", "feature", "limit")) == {
        ("partner", "SESSIONS", 1),
        ("partner", "MESSAGES", None),
        ("starter", "SESSIONS", 3),
        ("starter", "MESSAGES", 10_000),
        ("business", "SESSIONS", 25),
        ("business", "MESSAGES", 250_000),
    }


def test_what_staff_changed_stays(path: Path) -> None:
    run(path)
    Plan.objects.filter(code="starter").update(price_minor=1299, is_default=False)
    Plan.objects.filter(code="business").update(is_default=True)

    run(path)

    assert Plan.objects.get(code="starter").price_minor == 1299
    assert Plan.objects.get(is_default=True).code == "business"


def test_every_credential_works(path: Path) -> None:
    found = run(path)

    staff = User.objects.get(email="staff@orsta.local")
    assert found["staff"] == {"email": staff.email, "password": "given-to-staff"}
    assert staff.check_password("given-to-staff")
    assert staff.is_superuser
    assert selectors.principal_of_service_key(found["internal_api_key"], now=timezone.now())
    demo = User.objects.get(email="demo@orsta.local")
    assert demo.check_password(found["demo"]["password"])
    principal = selectors.principal_of_api_key(found["demo"]["api_key"], now=timezone.now())
    assert principal is not None
    assert principal.tenant.public_id == found["demo"]["tenant"]


def test_lost_credentials_are_replaced(path: Path) -> None:
    first = run(path)
    path.write_text("{ not json")

    second = run(path)

    assert second["demo"]["tenant"] == first["demo"]["tenant"]
    assert second["demo"]["api_key"] != first["demo"]["api_key"]
    assert second["internal_api_key"] != first["internal_api_key"]
    now = timezone.now()
    assert selectors.principal_of_api_key(second["demo"]["api_key"], now=now)
    assert not selectors.principal_of_api_key(first["demo"]["api_key"], now=now)
    assert Payment.objects.count() == 1


def test_real_money_is_never_spent_on_the_demo(
    path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Real(SandboxProvider):
        name = "real"

    monkeypatch.setitem(registry._PROVIDERS, Real.name, Real)
    settings.ORSTA_PAYMENT_PROVIDER = "real"

    found = run(path)

    assert Payment.objects.count() == 0
    assert selectors.living_api_key(found["demo"]["api_key"], now=timezone.now())


def test_a_customer_called_demo_is_left_alone(path: Path) -> None:
    User.objects.create_user(username="Demo", email="d@example.com", password="x")

    assert run(path)["demo"] is None
    assert User.objects.count() == 2
