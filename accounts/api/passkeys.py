"""`/auth/passkeys`: register, remove, log in."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import answers
from accounts.api import factor_serializers as serializers
from accounts.api.answers import private
from accounts.api.base import PersonAPIView, PublicAPIView, user_agent
from accounts.api.serializers import LoginOutput
from accounts.services import login, passkeys, second_factors
from orsta.core.api.addresses import client_address

_TAGS = ["passkeys"]


class PasskeyOptions(PersonAPIView):
    """What a browser needs to make a passkey."""

    required_scope = {"POST": "account:write"}

    @extend_schema(
        operation_id="begin_passkey",
        summary="Begin to register a passkey",
        request=serializers.FreshProofInput,
        responses=serializers.OptionsOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Return the options for `navigator.credentials.create`; good for 5 minutes.

        A login older than 15 minutes shows a code or the password, or gets 403 `not_proven`.
        """
        form = serializers.FreshProofInput(data=request.data)
        form.is_valid(raise_exception=True)
        options = second_factors.begin_passkey(
            user=self.person,
            login_id=self.principal.credential_id,
            **form.validated_data,
            now=timezone.now(),
        )
        return private(options)


class PasskeyList(PersonAPIView):
    """A person's passkeys."""

    required_scope = {"GET": "account:read", "POST": "account:write"}

    @extend_schema(
        operation_id="list_passkeys",
        summary="List your passkeys",
        responses=serializers.PasskeyOutput(many=True),
        tags=_TAGS,
    )
    def get(self, request: Request) -> Response:
        """Return the passkeys, oldest first; there are at most 20."""
        return Response(serializers.PasskeyOutput(passkeys.of(self.person), many=True).data)

    @extend_schema(
        operation_id="register_passkey",
        summary="Register a passkey",
        request=serializers.PasskeyInput,
        responses={201: serializers.PasskeyOutput},
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Keep what the browser made for the options of `/auth/passkeys/options`."""
        form = serializers.PasskeyInput(data=request.data)
        form.is_valid(raise_exception=True)
        row = passkeys.register(
            user=self.person,
            name=form.validated_data["name"],
            answer=form.validated_data["credential"],
            now=timezone.now(),
        )
        return Response(serializers.PasskeyOutput(row).data, status.HTTP_201_CREATED)


class PasskeyDetail(PersonAPIView):
    """One passkey."""

    required_scope = {"DELETE": "account:write"}

    @extend_schema(
        operation_id="remove_passkey",
        summary="Remove a passkey",
        responses={204: None},
        tags=_TAGS,
    )
    def delete(self, request: Request, passkey_id: str) -> Response:
        """Forget the passkey; the device keeps a copy that opens nothing any more."""
        passkeys.remove(user=self.person, public_id=passkey_id, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasskeyLoginOptions(PublicAPIView):
    """What a browser needs to log in with a passkey."""

    @extend_schema(
        operation_id="begin_passkey_login",
        summary="Begin to log in with a passkey",
        request=None,
        responses=serializers.OptionsOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Return the options for `navigator.credentials.get`, good for 5 minutes and once."""
        return private(passkeys.begin_login(now=timezone.now()))


class PasskeyLogin(PublicAPIView):
    """A login with a passkey."""

    @extend_schema(
        operation_id="passkey_login",
        summary="Log in with a passkey",
        request=serializers.PasskeyLoginInput,
        responses=LoginOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Answer as a login with a password does; no second factor is asked for."""
        form = serializers.PasskeyLoginInput(data=request.data)
        form.is_valid(raise_exception=True)
        logged_in = login.log_in_with_passkey(
            answer=form.validated_data["credential"],
            ip=client_address(request),
            user_agent=user_agent(request),
            now=timezone.now(),
        )
        return answers.logged_in(request, logged_in)


class PasskeySignUpOptions(PublicAPIView):
    """What a browser needs to sign up with a passkey."""

    @extend_schema(
        operation_id="begin_passkey_signup",
        summary="Begin to sign up with a passkey",
        request=serializers.SignUpOptionsInput,
        responses=serializers.OptionsOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Return the options whose answer `/auth/signup` takes as `passkey`."""
        form = serializers.SignUpOptionsInput(data=request.data)
        form.is_valid(raise_exception=True)
        return private(passkeys.begin_signup(**form.validated_data, now=timezone.now()))
