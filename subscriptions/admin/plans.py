"""Plans to sell and what they give."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import TabularInline

from orsta.core.admin import ServiceAdmin
from subscriptions import selectors
from subscriptions.admin.forms import PlanForm
from subscriptions.models import Feature, Plan, PlanEntitlement


class EntitlementInline(TabularInline):
    """How much of each feature a plan gives."""

    model = PlanEntitlement
    fields = ["feature", "limit"]
    extra = 0
    max_num = len(Feature)
    hide_title = True


@admin.register(Plan)
class PlanAdmin(ServiceAdmin):
    """Staff edit plans; a new price holds for payments from then on, a new limit at once."""

    list_display = [
        "name", "code", "price_minor", "currency", "period_days", "grace_days", "rate_class",
        "engine", "is_default", "is_active",
    ]  # fmt: skip
    list_filter = ["is_active", "rate_class", "currency"]
    search_fields = ["name", "code"]
    ordering = ["name"]
    inlines = [EntitlementInline]
    form = PlanForm

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """Save the limits too, and forget what they were."""
        super().save_related(request, form, formsets, change)
        selectors.forget_all()
