"""`/auth`: a person's own authenticator app and recovery codes."""

import segno
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import factor_serializers as serializers
from accounts.api.answers import private
from accounts.api.base import PersonAPIView
from accounts.services import second_factors, totp

_TAGS = ["second factors"]


class Totp(PersonAPIView):
    """The authenticator app."""

    required_scope = {"POST": "account:write", "DELETE": "account:write"}

    @extend_schema(
        operation_id="begin_totp",
        summary="Begin to set an authenticator app up",
        request=serializers.FreshProofInput,
        responses={201: serializers.EnrolmentOutput},
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Make a secret for the app. It counts once `/auth/totp/confirm` got a code of it.

        A login older than 15 minutes shows a code or the password, or gets 403 `not_proven`.
        """
        form = serializers.FreshProofInput(data=request.data)
        form.is_valid(raise_exception=True)
        enrolment = second_factors.begin_totp(
            user=self.person,
            login_id=self.principal.credential_id,
            **form.validated_data,
            now=timezone.now(),
        )
        qr = segno.make(enrolment.uri, micro=False).svg_data_uri(
            scale=4, border=4, light="#fff"
        )
        shape = {"secret": enrolment.secret, "uri": enrolment.uri, "qr": qr}
        return private(serializers.EnrolmentOutput(shape).data, status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="remove_totp",
        summary="Remove the authenticator app",
        request=serializers.ProofInput,
        responses={204: None},
        tags=_TAGS,
    )
    def delete(self, request: Request) -> Response:
        """Remove the app and the recovery codes; passkeys stay."""
        form = serializers.ProofInput(data=request.data)
        form.is_valid(raise_exception=True)
        second_factors.turn_off(user=self.person, **form.validated_data, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class TotpConfirm(PersonAPIView):
    """The first code of an authenticator app."""

    required_scope = {"POST": "account:write"}

    @extend_schema(
        operation_id="confirm_totp",
        summary="Turn the authenticator app on",
        request=serializers.CodeInput,
        responses=serializers.RecoveryCodesOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Turn the app on with its first code; the answer has the recovery codes, once."""
        form = serializers.CodeInput(data=request.data)
        form.is_valid(raise_exception=True)
        codes = totp.confirm(user=self.person, **form.validated_data, now=timezone.now())
        return private(serializers.RecoveryCodesOutput({"recovery_codes": codes}).data)


class RecoveryCodes(PersonAPIView):
    """The recovery codes."""

    required_scope = {"POST": "account:write"}

    @extend_schema(
        operation_id="replace_recovery_codes",
        summary="Make new recovery codes",
        request=serializers.ProofInput,
        responses=serializers.RecoveryCodesOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Replace the recovery codes; the old ones stop working, the new ones show once."""
        form = serializers.ProofInput(data=request.data)
        form.is_valid(raise_exception=True)
        codes = second_factors.new_recovery_codes(
            user=self.person, **form.validated_data, now=timezone.now()
        )
        return private(serializers.RecoveryCodesOutput({"recovery_codes": codes}).data)
