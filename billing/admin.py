"""Payments and the ledger: staff look, and ask the provider once more."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from billing import money
from billing.models import Account, LedgerEntry, Payment
from billing.services import reconciliation
from billing.states import LedgerKind, PaymentStatus
from orsta.core.admin import ReadOnlyAdmin, ReadOnlyInline, column, json_display
from orsta.core.admin_dialogs import dialog

STATUS_COLORS = {
    PaymentStatus.PENDING.label: "warning",
    PaymentStatus.SUCCEEDED.label: "success",
    PaymentStatus.FAILED.label: "danger",
}
KIND_COLORS = {LedgerKind.CHARGE.label: "success"}


class LedgerInline(ReadOnlyInline):
    """The money that one payment moved."""

    model = LedgerEntry
    fields = ["kind", "amount_minor", "currency", "at"]
    ordering = ["pk"]


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Every attempt to collect money, what became of it, and why."""

    list_display = ["public_id", "tenant_name", "amount", "state", "provider", "created_at"]
    list_filter = ["status", "provider", "currency", "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["public_id", "provider_ref", "tenant__public_id", "tenant__name"]
    ordering = ["-pk"]
    exclude = ["payment_method", "fingerprint", "buys", "metadata"]
    readonly_fields = ["shown_metadata"]
    inlines = [LedgerInline]
    tenant_name = column("tenant.name", "Tenant")
    actions_detail = ["reconcile"]
    shown_metadata = json_display("metadata")

    @display(description="Amount", ordering="amount_minor")
    def amount(self, payment: Payment) -> str:
        return money.render(payment.amount_minor, payment.currency)

    @display(description="Status", ordering="status", label=STATUS_COLORS)
    def state(self, payment: Payment) -> str:
        return payment.get_status_display()

    @action(
        description="Reconcile",
        permissions=["operate"],
        dialog=dialog(
            "Ask the provider what became of this payment?",
            "For pending payments. It never charges again; what the provider says is recorded "
            "as if it had just answered.",
            "Reconcile",
        ),
    )
    def reconcile(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        payment = get_object_or_404(Payment, pk=object_id)
        return self.run_service(
            request,
            object_id,
            lambda: reconciliation.reconcile_one(payment=payment, now=timezone.now()),
            done="The payment is settled.",
        )


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    """Money that moved, newest first; nobody can change or delete it."""

    list_display = ["at", "tenant_name", "kind_label", "amount", "payment"]
    tenant_name = column("tenant.name", "Tenant")
    list_filter = ["kind", "currency", "at"]
    list_select_related = ["tenant", "payment"]
    search_fields = ["payment__public_id", "tenant__public_id", "tenant__name"]
    ordering = ["-pk"]

    @display(description="Kind", ordering="kind", label=KIND_COLORS)
    def kind_label(self, entry: LedgerEntry) -> str:
        return entry.get_kind_display()

    @display(description="Amount", ordering="amount_minor")
    def amount(self, entry: LedgerEntry) -> str:
        return money.render(entry.amount_minor, entry.currency)


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Tenants as payers."""

    list_display = ["tenant_name", "wallet", "created_at"]
    tenant_name = column("tenant.name", "Tenant")
    list_filter = ["currency", "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__public_id", "tenant__name"]
    ordering = ["-pk"]

    @display(description="Wallet", ordering="wallet_minor")
    def wallet(self, account: Account) -> str:
        return money.render(account.wallet_minor, account.currency)
