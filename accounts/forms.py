"""Forms of the console: parsed like any input, answered with what a service refused."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms

from accounts.services import signup
from orsta.core import errors
from orsta.core.api.errors import status_of

T = TypeVar("T")


class ConsoleForm(forms.Form):
    """A form that runs one service and shows what it refuses."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refused: errors.DomainError | None = None
        for field in self.fields.values():
            if not isinstance(field, forms.BooleanField):
                field.widget.attrs["class"] = "input"

    def run(self, work: Callable[[], T]) -> T | None:
        """Run `work` if the input is good; None when it is not, or when `work` refuses."""
        if not self.is_valid():
            return None
        try:
            return work()
        except errors.DomainError as error:
            self.refused = error
            self.blame(error.details.get("fields") or {None: [error.message]})
            return None

    def blame(self, problems: dict[Any, Any]) -> None:
        """Show sentences at their fields; those of no field here go on top."""
        for name, sentences in problems.items():
            self.add_error(name if name in self.fields else None, list(sentences))

    @property
    def status_code(self) -> int:
        """The HTTP status of the page that shows this form."""
        if self.refused is not None:
            return status_of(type(self.refused))
        return 400 if self.errors else 200


class SignUpForm(ConsoleForm):
    """Who wants in; the rules are the service's."""

    username = forms.CharField(
        label="User name",
        max_length=signup.MAX_USERNAME_LENGTH,
        help_text="3 to 40 letters, digits, dots, dashes and underscores.",
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none"}),
    )
    email = forms.CharField(
        label="E-mail address",
        max_length=signup.MAX_EMAIL_LENGTH,
        widget=forms.EmailInput({"autocomplete": "email"}),
    )
    password = forms.CharField(
        max_length=signup.MAX_PASSWORD_LENGTH,
        strip=False,
        help_text="At least 8 characters, and not a common word.",
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )


class LogInForm(ConsoleForm):
    """Who wants back in, and where to."""

    email = forms.CharField(
        label="E-mail address",
        max_length=signup.MAX_EMAIL_LENGTH,
        widget=forms.EmailInput({"autocomplete": "email"}),
    )
    password = forms.CharField(
        max_length=signup.MAX_PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )
    next = forms.CharField(required=False, widget=forms.HiddenInput())
