"""The console's forms about API keys."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms

from accounts import key_limits
from accounts.forms import ConsoleForm
from accounts.models import ApiKey
from accounts.roles import SCOPES

_LAST_DAY = date.max - timedelta(days=1)  # whose end is a moment that Python knows


class KeyForm(ConsoleForm):
    """What an API key is called, what it may do, where, and how long."""

    name = forms.CharField(
        max_length=key_limits.MAX_NAME_LENGTH,
        help_text="What it is for: the program or the machine that holds it.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do", widget=forms.CheckboxSelectMultiple()
    )
    session_ids = forms.CharField(
        label="Only for these sessions",
        required=False,
        help_text="Their ids, one a line. Empty: every session.",
        widget=forms.Textarea({"rows": 3, "spellcheck": "false", "data-session-ids": True}),
    )
    networks = forms.CharField(
        label="Only from these networks",
        required=False,
        help_text="Addresses or CIDR blocks, one a line: 192.0.2.0/24. Empty: from anywhere.",
        widget=forms.Textarea({"rows": 3, "spellcheck": "false"}),
    )
    last_day = forms.DateField(
        required=False,
        help_text="It ends when this day ends (UTC). Empty: it never ends by itself.",
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, grantable: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = (key_limits.EVERY, "Everything a key may do, also what is added later")
        allowed = key_limits.expand(grantable)
        named = [(scope, text) for scope, text in SCOPES.items() if scope in allowed]
        scopes = self.fields["scopes"]
        scopes.choices = [every, *named] if key_limits.EVERY in grantable else named  # type: ignore[attr-defined]
        del scopes.widget.attrs["class"]  # of a text field

    @staticmethod
    def initial_of(key: ApiKey) -> dict[str, Any]:
        """Return the form's values for a key as it is."""
        ends = key.expires_at
        return {
            "name": key.name,
            "scopes": key.scopes,
            "session_ids": "\n".join(key.session_ids),
            "networks": "\n".join(key.networks),
            "last_day": (ends - timedelta(microseconds=1)).date() if ends else None,
        }

    def columns(self) -> dict[str, Any]:
        """Return what was filled in, for the service; an untouched expiry is left out."""
        data = self.cleaned_data
        columns = {
            "name": data["name"],
            "scopes": data["scopes"],
            "session_ids": data["session_ids"].split(),
            "networks": data["networks"].split(),
        }
        if "last_day" in self.changed_data:
            columns["expires_at"] = _end_of(data["last_day"])
        return columns

    def blame(self, problems: dict[Any, Any]) -> None:
        """Show what is wrong with the expiry at the field that stands for it."""
        named = {
            "last_day" if name == "expires_at" else name: text
            for name, text in problems.items()
        }
        super().blame(named)


class RotationForm(ConsoleForm):
    """How long a key works beside its successor."""

    overlap_hours = forms.TypedChoiceField(
        label="The old key",
        coerce=int,
        choices=[
            (0, "stops at once"),
            (1, "works for one more hour"),
            (24, "works for one more day"),
            (168, "works for seven more days"),
        ],
    )


def _end_of(day: date | None) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(min(day, _LAST_DAY), time.min, UTC) + timedelta(days=1)
