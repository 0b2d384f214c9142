"""`/auth`: verify an address, reset and change a password."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import authentication
from accounts.api import serializers
from accounts.api.base import PersonAPIView, PublicAPIView
from accounts.services import passwords, proofs, verification
from orsta.core import errors
from orsta.core.api.addresses import client_address

_TAGS = ["auth"]


class WhoseCode(errors.Invalid):
    """A code says nothing without the address it was mailed to."""

    code = "invalid_input"


class Verify(PublicAPIView):
    """The proof that somebody reads its address."""

    @extend_schema(
        operation_id="auth_verify_create",
        summary="Verify the e-mail address",
        description="With the token of the mailed link, or the six digits and the address. "
        "Whoever is logged in may leave the address out. Five attempts at a code.",
        request=serializers.VerifyInput,
        responses=serializers.StatusOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Use the code or the link up; it opens no login."""
        form = serializers.VerifyInput(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        if "token" not in values and "email" not in values:
            values["email"] = _address_of(request)
        verification.verify(
            shown=proofs.Shown(**values), ip=client_address(request), now=timezone.now()
        )
        return Response({"status": "verified"})


class ResendVerification(PublicAPIView):
    """Another code."""

    @extend_schema(
        operation_id="auth_resend_verification_create",
        summary="Mail another verification code",
        description="The answer is the same, and takes as long, whether or not there is an "
        "account to verify. The code before it stops working.",
        request=serializers.EmailInput,
        responses=serializers.StatusOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Have a new code and link mailed, if there is an account to verify."""
        form = serializers.EmailInput(data=request.data)
        form.is_valid(raise_exception=True)
        verification.ask_again(**form.validated_data, ip=client_address(request))
        return Response({"status": "ok"})


class PasswordReset(PublicAPIView):
    """A forgotten password."""

    @extend_schema(
        operation_id="auth_password_reset_create",
        summary="Ask for a password reset",
        description="The answer is the same, and takes as long, whether or not the address "
        "has an account.",
        request=serializers.EmailInput,
        responses=serializers.StatusOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Have a code and a link mailed, if the address has an account."""
        form = serializers.EmailInput(data=request.data)
        form.is_valid(raise_exception=True)
        passwords.ask_reset(**form.validated_data, ip=client_address(request))
        return Response({"status": "ok"})


class PasswordResetConfirm(PublicAPIView):
    """A new password, for who can read the mail."""

    @extend_schema(
        operation_id="auth_password_reset_confirm_create",
        summary="Reset the password",
        description="With the token of the mailed link, or the six digits and the address. "
        "Every login of the person ends.",
        request=serializers.ResetInput,
        responses=serializers.StatusOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Set the password and end every login; it opens none."""
        form = serializers.ResetInput(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        new_password = values.pop("new_password")
        passwords.reset(
            shown=proofs.Shown(**values),
            new_password=new_password,
            ip=client_address(request),
            now=timezone.now(),
        )
        return Response({"status": "ok"})


class PasswordChange(PersonAPIView):
    """Another password, for who knows the present one."""

    required_scope = {"POST": "account:write"}

    @extend_schema(
        operation_id="auth_password_change_create",
        summary="Change the password",
        description="This login goes on; the person's other logins end.",
        request=serializers.PasswordChangeInput,
        responses=serializers.StatusOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Set the password and end the other logins."""
        form = serializers.PasswordChangeInput(data=request.data)
        form.is_valid(raise_exception=True)
        passwords.change(
            **form.validated_data,
            user=self.person,
            login_id=self.principal.credential_id,
            ip=client_address(request),
            now=timezone.now(),
        )
        return Response({"status": "ok"})


def _address_of(request: Request) -> str:
    """Return the address of whoever sends a bare code; only then a credential is read."""
    for scheme in authentication.CUSTOMER:
        user, _ = scheme().authenticate(request) or (None, None)
        if user is not None:
            email: str = user.email
            return email
    fields = {"email": ["Whose code is it? Give this or log in."]}
    raise WhoseCode("The input has errors; see the fields.", fields=fields)
