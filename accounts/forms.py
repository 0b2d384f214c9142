"""Forms of the console: parsed like any input, answered with what a service refused."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms

from accounts.services import signup
from orsta.core import errors
from orsta.core.api.errors import status_of

T = TypeVar("T")
MAX_CODE_LENGTH = 32


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


def username_field() -> forms.CharField:
    """Return the field for the name that somebody new chooses; the rules are the service's."""
    return forms.CharField(
        label="User name",
        max_length=signup.MAX_USERNAME_LENGTH,
        help_text="3 to 40 letters, digits, dots, dashes and underscores.",
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none"}),
    )


def new_password_field() -> forms.CharField:
    """Return the field for a password that is chosen."""
    return forms.CharField(
        max_length=signup.MAX_PASSWORD_LENGTH,
        strip=False,
        help_text="At least 8 characters, and not a common word.",
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )


def password_field(label: str = "") -> forms.CharField:
    """Return the field for the password that the person has."""
    return forms.CharField(
        label=label or None,
        max_length=signup.MAX_PASSWORD_LENGTH,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )


class SignUpForm(ConsoleForm):
    """Who wants in; the rules are the service's."""

    username = username_field()
    email = forms.CharField(
        label="E-mail address",
        max_length=signup.MAX_EMAIL_LENGTH,
        widget=forms.EmailInput({"autocomplete": "email"}),
    )
    password = new_password_field()


class LogInForm(ConsoleForm):
    """Who wants back in, and where to."""

    email = forms.CharField(
        label="E-mail address or user name",
        max_length=signup.MAX_EMAIL_LENGTH,
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none"}),
    )
    password = password_field()
    next = forms.CharField(required=False, widget=forms.HiddenInput())


class SecondFactorForm(ConsoleForm):
    """The second step of a login; `pending` proves the first."""

    code = forms.CharField(
        max_length=MAX_CODE_LENGTH,
        help_text="Of your authenticator app, or one of your recovery codes.",
        widget=forms.TextInput(
            {"autocomplete": "one-time-code", "autocapitalize": "none", "autofocus": True}
        ),
    )
    pending = forms.CharField(widget=forms.HiddenInput())
    next = forms.CharField(required=False, widget=forms.HiddenInput())


class AddressForm(ConsoleForm):
    """Where a mail shall go."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=signup.MAX_EMAIL_LENGTH,
        widget=forms.EmailInput({"autocomplete": "email"}),
    )


class MailedForm(ConsoleForm):
    """What came by mail: a link's token, or a code and the address it went to."""

    token = forms.CharField(required=False, widget=forms.HiddenInput({"data-fragment": "keep"}))
    email = forms.EmailField(
        required=False,
        label="E-mail address",
        max_length=signup.MAX_EMAIL_LENGTH,
        widget=forms.EmailInput({"autocomplete": "email", "data-typed": True}),
    )
    code = forms.CharField(
        required=False,
        max_length=MAX_CODE_LENGTH,
        help_text="The six digits in the mail.",
        widget=forms.TextInput(
            {"autocomplete": "one-time-code", "inputmode": "numeric", "data-typed": True}
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self["token"].value():  # nothing to type: the link says it all
            for name in ("email", "code"):
                self.fields[name].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        """Ask for one of the two."""
        answers = self.cleaned_data
        if not answers.get("token"):
            for name in ("email", "code"):
                if not answers.get(name) and name not in self.errors:
                    self.add_error(name, "This field is required.")
        return answers


class VerifyForm(MailedForm):
    """Proof of an address."""


class ResetForm(MailedForm):
    """Proof of an address, and the password to set."""

    new_password = new_password_field()


class PasswordForm(ConsoleForm):
    """The old password and the new one."""

    current_password = password_field()
    new_password = new_password_field()


class CodeForm(ConsoleForm):
    """What an authenticator app shows."""

    code = forms.CharField(
        max_length=MAX_CODE_LENGTH,
        widget=forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class ProofForm(ConsoleForm):
    """Proof that it is still the same person."""

    password = password_field("Your password")


class FreshForm(ProofForm):
    """The same proof, which a fresh login needs not give."""

    def __init__(self, *args: Any, fresh: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if fresh:
            del self.fields["password"]
