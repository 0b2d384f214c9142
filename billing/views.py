"""The console's page about the API key and what it costs."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import permissions
from accounts import selectors as accounts_selectors
from accounts.forms import ConsoleForm
from accounts.models import Tenant
from accounts.services import keys
from accounts.views.pages import ConsoleRequest, done, page, person_of, show
from billing import money, selectors
from billing.models import Payment
from billing.providers import registry
from billing.providers.sandbox import SandboxProvider
from billing.services import payments
from billing.services.answers import Activation
from billing.states import PaymentStatus
from subscriptions import selectors as subscriptions_selectors
from subscriptions.models import Feature, Plan

_TONES = {
    PaymentStatus.PENDING: "busy",
    PaymentStatus.SUCCEEDED: "good",
    PaymentStatus.FAILED: "bad",
}


@dataclass(frozen=True, slots=True)
class TestCard:
    """A card of the sandbox provider and what it plays."""

    token: str
    name: str
    hint: str


TEST_CARDS = (
    TestCard("tok_ok", "Test card", "The payment succeeds."),
    TestCard("tok_declined", "Declined card", "The bank refuses."),
    TestCard("tok_insufficient_funds", "Empty card", "There is not enough money on it."),
    TestCard("tok_timeout", "Silent bank", "No answer at first; it settles within minutes."),
)


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment as the page shows it."""

    payment: Payment
    amount: str
    tone: str


class EnableForm(ConsoleForm):
    """What the person agreed to pay, and with what."""

    payment_method = forms.CharField(required=False, max_length=64)
    amount = forms.DecimalField(required=False)
    idempotency_key = forms.CharField(max_length=255)

    def fingerprint(self) -> str:
        """Return what makes two clicks the same one."""
        text = f"{self.cleaned_data['payment_method']} {self.cleaned_data['amount']}"
        return hashlib.sha256(text.encode()).hexdigest()


@require_safe
@page
def overview(request: ConsoleRequest) -> HttpResponse:
    """Show the key's state, the price and the payments."""
    permissions.require(request.principal, "billing:read")
    return show(request, "console/billing.html", _context(request, now=timezone.now()))


@require_POST
@page
def enable_key(request: ConsoleRequest) -> HttpResponse:
    """Pay if needed and turn the key on; a decline is said on the same page."""
    permissions.require(request.principal, "billing:write")
    form = EnableForm(request.POST)
    activation = form.run(lambda: _enable(request, form))
    if activation is not None:
        return done(request, f"{activation.message}.", "console-billing")
    context = _context(request, now=timezone.now()) | {
        "error": " ".join(str(said) for row in form.errors.values() for said in row),
        "chosen_card": form.data.get("payment_method"),
    }
    return show(request, "console/billing.html", context, status=form.status_code)


@require_POST
@page
def disable_key(request: ConsoleRequest) -> HttpResponse:
    """Turn the key off; the paid period goes on."""
    permissions.require(request.principal, "billing:write")
    actor = person_of(request).public_id
    keys.deactivate(tenant=request.principal.tenant, now=timezone.now(), actor=actor)
    return done(request, "API key turned off.", "console-billing")


def _enable(request: ConsoleRequest, form: EnableForm) -> Activation:
    return payments.enable_api_key(
        tenant=request.principal.tenant,
        user=person_of(request),
        amount=form.cleaned_data["amount"],
        payment_method=form.cleaned_data["payment_method"],
        idempotency_key=form.cleaned_data["idempotency_key"],
        fingerprint=form.fingerprint(),
        now=timezone.now(),
    )


def _context(request: ConsoleRequest, *, now: datetime) -> dict[str, Any]:
    tenant = request.principal.tenant
    key = accounts_selectors.current_api_key(tenant=tenant)
    entitlements = subscriptions_selectors.entitlements_for(tenant=tenant, now=now)
    context = {
        "active": "billing",
        "key_active": key is not None and tenant.api_enabled,
        "masked_key": accounts_selectors.masked_key(key) if key else "",
        "entitlements": entitlements,
        "sessions": _count(entitlements.limit(Feature.SESSIONS)),
        "payments": [_row(payment) for payment in selectors.payments_of(tenant=tenant)],
        "idempotency_key": secrets.token_hex(16),
    }
    if entitlements.owes or not entitlements.active:
        return context | _offer(subscriptions_selectors.default_plan())
    return context | _spending(tenant, now=now)


def _offer(plan: Plan) -> dict[str, Any]:
    sandbox = registry.provider().name == SandboxProvider.name
    return {
        "plan": plan,
        "offered_sessions": subscriptions_selectors.limit_of(plan, Feature.SESSIONS),
        "price": money.render(plan.price_minor, plan.currency),
        # Sent back, so that nobody pays another price than the page showed.
        "amount": Decimal(plan.price_minor).scaleb(-money.exponent(plan.currency)),
        "cards": TEST_CARDS if sandbox else (),
        "chosen_card": TEST_CARDS[0].token,
    }


def _count(limit: int | None) -> str:
    return "Unlimited" if limit is None else f"{limit:,}"


def _spending(tenant: Tenant, *, now: datetime) -> dict[str, Any]:
    summary = selectors.summary(tenant=tenant, now=now)
    return {
        "total_spent": money.render(summary.total_minor, summary.currency),
        "last_spent": money.render(summary.spent_minor, summary.currency),
    }


def _row(payment: Payment) -> PaymentRow:
    return PaymentRow(
        payment=payment,
        amount=money.render(payment.amount_minor, payment.currency),
        tone=_TONES[PaymentStatus(payment.status)],
    )


urlpatterns = [
    path("billing", overview, name="console-billing"),
    path("billing/enable", enable_key, name="console-key-enable"),
    path("billing/disable", disable_key, name="console-key-disable"),
]
