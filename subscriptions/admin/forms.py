"""What staff fill in before something changes; every form asks for a reason."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.db.models import BigIntegerField
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.models import Tenant
from orsta.core.admin_dialogs import ReasonForm
from subscriptions.models import Feature, Plan

NUMBER, UNLIMITED, PLAN_LIMIT = "number", "unlimited", "plan"
NOW, AT_END, KEEP = "now", "at_end", "keep"


class PlanForm(forms.ModelForm[Plan]):
    """A plan; its engine is one that this deployment offers."""

    engine = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="The engine of new sessions that ask for none.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(kind, kind) for kind in settings.ORSTA_ENGINES]
        field = cast("forms.ChoiceField", self.fields["engine"])
        field.choices = [("", "The service's default"), *offered]


class GrantForm(ReasonForm):
    """Which period to give away."""

    plan = forms.ModelChoiceField(
        queryset=Plan.objects.order_by("name"), widget=UnfoldAdminSelectWidget
    )
    field_order = ["plan", "reason"]


class TenantForm(GrantForm):
    """The same for a tenant that may have no subscription yet."""

    tenant = forms.ModelChoiceField(
        queryset=Tenant.objects.all(),
        to_field_name="public_id",
        widget=UnfoldAdminTextInputWidget,
        help_text="The tenant's id: ten_…",
        error_messages={"invalid_choice": "There is no tenant with this id."},
    )
    field_order = ["tenant", "plan", "reason"]


class TrialForm(TenantForm):
    """A tenant's first days."""

    days = forms.IntegerField(
        min_value=1, max_value=90, initial=14, widget=UnfoldAdminIntegerFieldWidget
    )
    field_order = ["tenant", "plan", "days", "reason"]


class ExtendForm(ReasonForm):
    """How much longer."""

    days = forms.IntegerField(
        min_value=1, max_value=3_660, widget=UnfoldAdminIntegerFieldWidget
    )
    field_order = ["days", "reason"]


class CancelForm(ReasonForm):
    """When."""

    when = forms.ChoiceField(
        choices=[
            (AT_END, "When what is paid for is over"),
            (NOW, "Now"),
            (KEEP, "Not at all: take a cancellation back"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["when", "reason"]


class LimitForm(ReasonForm):
    """Another limit than the plan's."""

    feature = forms.ChoiceField(choices=Feature.choices, widget=UnfoldAdminSelectWidget)
    kind = forms.ChoiceField(
        label="Limit",
        choices=[
            (NUMBER, "The number below"),
            (UNLIMITED, "Unlimited"),
            (PLAN_LIMIT, "The plan's own"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    limit = forms.IntegerField(
        label="Number",
        required=False,
        min_value=0,
        max_value=BigIntegerField.MAX_BIGINT,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=3_660,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="How long it holds. Empty: for good.",
    )
    field_order = ["feature", "kind", "limit", "days", "reason"]

    def clean(self) -> None:
        """Ask for the number where one is meant."""
        super().clean()
        if self.cleaned_data.get("kind") == NUMBER and self.cleaned_data.get("limit") is None:
            self.add_error("limit", "Say how many.")
