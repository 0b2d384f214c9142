"""How staff get into the admin: a password, and a second factor.

Unfold loads this while it makes the admin's site, so nothing here may import an `admin` module:
its models would be registered with the site that is being replaced.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from unfold.forms import AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES

from accounts.models import User
from accounts.services import second_factors, throttle, totp
from orsta.core import errors
from orsta.core.api.addresses import client_address

_SHOWN = "second_factor_of"  # in the browser's session: the pk of whoever showed a factor
_OPEN_PAGES = ("login", "logout", "jsi18n")
_MAX_CODE_LENGTH = 32


class StaffLoginForm(AuthenticationForm):
    """Password and code in one step; attempts count as those of the console do."""

    code = forms.CharField(
        required=False,
        max_length=_MAX_CODE_LENGTH,
        help_text="Of your authenticator app, or a recovery code. Empty if you have none yet.",
        widget=forms.TextInput({"autocomplete": "one-time-code", "autocapitalize": "none"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)

    def clean(self) -> dict[str, Any]:
        """Check the password, then the code of whoever has an authenticator app."""
        try:
            return self._checked()
        except errors.DomainError as error:
            raise ValidationError(error.message, code=error.code) from error

    def _checked(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username", "")
        throttle.log_in(name=name, address=client_address(self.request))
        cleaned: dict[str, Any] = super().clean()
        user = self.get_user()
        if second_factors.methods_of(user):
            self._take(user, cleaned["code"])
        throttle.logged_in(name=name)
        return cleaned

    def _take(self, user: User, code: str) -> None:
        if not code:
            raise ValidationError("Enter the code of your authenticator app too.", "code")
        second_factors.verify(user=user, code=code, now=timezone.now())
        if self.request.user.is_authenticated:
            logout(self.request)  # Django drops another person's session, and the mark with it
        mark(self.request, user)


class StaffFactorMiddleware:
    """Keep staff who have shown no second factor out of the admin, where one is required."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; `process_view` decides."""
        answer: HttpResponse = self.get_response(request)
        return answer

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponse | None:
        """Send staff to where they get a factor, or show the one they have."""
        if not settings.ORSTA_REQUIRE_STAFF_FACTOR or not _is_guarded(request):
            return None
        user = request.user
        if not user.is_authenticated or request.session.get(_SHOWN) == user.pk:
            return None
        if not totp.is_enabled(user):
            return redirect("staff-second-factor")
        logout(request)  # this login is older than the app, so it never showed a code
        return redirect("admin:login")


def _is_guarded(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.app_name == "admin" and match.url_name not in _OPEN_PAGES


def mark(request: HttpRequest, user: User) -> None:
    """Remember that this browser showed a second factor of a member of staff."""
    request.session[_SHOWN] = user.pk
