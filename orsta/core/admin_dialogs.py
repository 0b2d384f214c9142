"""What Unfold's dialogs ask before something changes."""

from typing import Any

from django import forms
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget


class ReasonForm(BaseDialogForm):  # type: ignore[misc]  # Unfold has no types
    """Why."""

    reason = forms.CharField(
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="Kept in the audit log.",
    )


def dialog(
    title: str, description: str, submit: str, form: type[BaseDialogForm] | None = None
) -> Any:
    """Return what Unfold wants to know of a dialog; without a form it only asks."""
    return {
        "title": title,
        "description": description,
        "form_class": form,
        "form_submit_text": submit,
    }
