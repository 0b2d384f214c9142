"""The console's forms about sessions: the API's own shapes, with words for people."""

from typing import Any

from django import forms

from accounts.forms import ConsoleForm
from sessions_app.api.serializers import SessionChangeInput, SessionCreateInput
from sessions_app.engines import registry
from sessions_app.models import DEFAULT_EVENTS, Session


class _Fields(ConsoleForm):
    """What both forms ask for."""

    session_name = forms.CharField(
        label="Name",
        required=False,
        max_length=80,
        help_text="For you only, for example “Support line”.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    webhook_url = forms.CharField(
        label="Webhook address",
        required=False,
        help_text="Where events are posted. Leave it empty for none.",
        widget=forms.URLInput({"placeholder": "https://"}),
    )
    events = forms.CharField(required=False, initial=DEFAULT_EVENTS)
    expiration_sec = forms.IntegerField(
        label="Expires after (seconds)",
        required=False,
        help_text="Counts from now. 0 means never.",
        initial=0,
    )
    history = forms.IntegerField(
        label="Messages kept per chat", required=False, help_text="0 keeps all.", initial=0
    )
    auto_read_enabled = forms.BooleanField(label="Mark messages as read", required=False)
    typing_enabled = forms.BooleanField(label="Show “typing” before a send", required=False)


class SessionForm(_Fields):
    """What a new session is made of."""

    engine = forms.ChoiceField(
        required=False, help_text="The sandbox behaves like WhatsApp and needs no phone."
    )
    auto_connect = forms.BooleanField(
        label="Connect as soon as it is created", required=False, initial=True
    )

    FOLDED = (
        "webhook_url",
        "events",
        "expiration_sec",
        "history",
        "auto_connect",
        "auto_read_enabled",
        "typing_enabled",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        engine: Any = self.fields["engine"]
        engine.choices = [(kind, kind.capitalize()) for kind in registry.kinds()]
        self.settings: dict[str, Any] = {}

    def clean(self) -> dict[str, Any]:
        """Let the API's shape judge; what was left empty takes its default."""
        given = {k: v for k, v in self.cleaned_data.items() if v not in ("", None)}
        shape = SessionCreateInput(data=given)
        if shape.is_valid():
            self.settings = shape.validated_data
        else:
            self.blame(shape.errors)
        return self.cleaned_data

    @property
    def folded(self) -> list[forms.BoundField]:
        """The fields that most people leave alone."""
        return [self[name] for name in self.FOLDED]

    @property
    def has_folded_errors(self) -> bool:
        """Whether a folded field needs attention, so the fold must be open."""
        return any(name in self.errors for name in self.FOLDED)


class SettingsForm(_Fields):
    """What can be changed of a session; filled with what it is."""

    def __init__(self, *args: Any, session: Session, **kwargs: Any) -> None:
        self._before = {
            "session_name": session.name,
            "webhook_url": session.webhook_url,
            "events": session.events,
            "expiration_sec": session.expiration_seconds,
            "history": session.history_limit,
            "auto_read_enabled": session.auto_read_enabled,
            "typing_enabled": session.typing_enabled,
        }
        super().__init__(*args, initial=self._before, **kwargs)
        self.changes: dict[str, Any] = {}

    def clean(self) -> dict[str, Any]:
        """Let the API's shape judge what differs: an expiration starts anew when it is set."""
        changed = {
            name: value
            for name, value in self.cleaned_data.items()
            if value is not None and value != self._before[name]
        }
        shape = SessionChangeInput(data=changed)
        if shape.is_valid():
            self.changes = shape.validated_data
        else:
            self.blame(shape.errors)
        return self.cleaned_data
