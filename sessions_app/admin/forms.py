"""What staff fill in before something changes."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from orsta.core.admin_dialogs import ReasonForm
from sessions_app.engines import registry
from sessions_app.engines.capabilities import Capability
from sessions_app.models import Gateway, Proxy
from sessions_app.services import capabilities, proxies, proxy_probe
from sessions_app.states import ProxyState

_KEEPS = "Never shown again. Empty keeps the present one."


class AssignForm(ReasonForm):
    """Which proxy a session gets."""

    proxy = forms.ModelChoiceField(
        queryset=Proxy.objects.filter(state=ProxyState.ACTIVE).order_by("name"),
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["proxy", "reason"]


class ImportForm(ReasonForm):
    """Proxies to add."""

    lines = forms.CharField(
        widget=UnfoldAdminTextareaWidget,
        strip=False,
        help_text="One a line: socks5://user:secret@host:port,name,country. Name and country "
        "may be left out.",
    )
    capacity = forms.IntegerField(
        min_value=1,
        max_value=10_000,
        initial=1,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Sessions that may share each of them.",
    )
    field_order = ["lines", "capacity", "reason"]


class _SecretForm(forms.ModelForm[Any]):
    """A row with a secret that is written and never read back."""

    secret: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept = getattr(self.instance, self.secret)
        is_new = self.instance.pk is None
        field = forms.CharField(
            required=is_new,
            widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
            help_text="Never shown again." if is_new else _KEEPS,
        )
        self.fields[self.secret] = field
        self.initial.pop(self.secret, None)

    def keep_or(self, value: str) -> str:
        """Return what was typed, or else the present secret."""
        return value or str(self._kept)


class GatewayForm(_SecretForm):
    """A gateway's place, its admin token and how much it may hold."""

    secret = "token"  # noqa: S105
    engine = forms.ChoiceField(widget=UnfoldAdminSelectWidget)

    class Meta:
        model = Gateway
        fields = ["name", "engine", "address", "token", "capacity", "labels"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = set(capabilities.offered_with(Capability.GATEWAY))
        if self.instance.pk is not None:
            kinds.add(self.instance.engine)  # one that is not offered any more
        field: Any = self.fields["engine"]
        field.choices = [(kind, kind) for kind in registry.PATHS if kind in kinds]

    def clean_address(self) -> str:
        """Take a plain address: what else is in a URL would end up in logs."""
        address = str(self.cleaned_data["address"]).rstrip("/")
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise forms.ValidationError("Begin with http:// or https:// and a host.")
        if parts.username or parts.password:
            raise forms.ValidationError("Leave the login out; the token is a field of its own.")
        if parts.path or parts.query or parts.fragment:
            raise forms.ValidationError("End after the host and the port.")
        return address

    def clean_token(self) -> str:
        """Keep the present token if there is no new one."""
        return self.keep_or(self.cleaned_data["token"])


class ProxyForm(_SecretForm):
    """A proxy's URL, where it leads and how many share it."""

    secret = "url"  # noqa: S105

    class Meta:
        model = Proxy
        fields = ["name", "url", "country", "capacity"]

    def clean_url(self) -> str:
        """Keep the present URL if there is no new one.

        :raises ValidationError: the new one is no proxy's.
        """
        url = self.keep_or(self.cleaned_data["url"])
        try:
            proxy_probe.parse(url)
        except proxy_probe.BadProxyUrl as error:
            raise forms.ValidationError(str(error)) from None
        return url

    def clean_country(self) -> str:
        """Take a code of two letters, in either case."""
        country = str(self.cleaned_data["country"]).upper()
        if country and not proxies.is_country(country):
            raise forms.ValidationError("Use the code of two letters, e.g. DE.")
        return country
