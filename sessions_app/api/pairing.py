"""`/v1/sessions/{id}/…`: link a device by QR code, by a code to type, or with a passkey."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from orsta.core import errors
from orsta.core.api.schema import IDEMPOTENCY
from sessions_app import selectors
from sessions_app.api import challenges, serializers, waiting
from sessions_app.api.secrecy import SecretView
from sessions_app.api.serializers import Plain
from sessions_app.api.v1 import TAGS, SessionAction, SessionQr, SessionView
from sessions_app.models import Command, Session
from sessions_app.services import lifecycle, pairing
from sessions_app.states import OPEN, ChallengeKind, SessionStatus

# The wait for a QR code is over in these, with or without one.
_ARRIVED = OPEN | {SessionStatus.PASSKEY_REQUIRED, SessionStatus.PASSKEY_CONFIRMATION}


class PairingEnded(errors.Conflict):
    """There will be no code: the session failed or was stopped."""

    code = "pairing_ended"


class PairingView(SecretView, SessionView):
    """One step of linking a device: what somebody did is passed on to the runner."""

    def order(
        self, request: Request, session_id: str, form: Plain, service: Callable[..., Command]
    ) -> Response:
        """Tell the runner once per `Idempotency-Key`."""
        session = self.session(session_id)
        form.is_valid(raise_exception=True)

        def effect() -> Response:
            return _queued(service(session=session, now=timezone.now(), **form.validated_data))

        return self.once(request, effect)


class SessionQrWait(SessionQr):
    """The code to scan, now or as soon as there is one."""

    @extend_schema(
        operation_id="sessions_qr_wait",
        tags=TAGS,
        summary="Wait for the QR code",
        description="Answers as soon as there is a code (200), the session is connected or "
        "asks for a passkey (200, `challenge` null), failed or was stopped (409 "
        "`pairing_ended` with `reason_code`), or was deleted (404). Nothing within `timeout`: "
        "202 with the present status and `Retry-After`. So it is, at once, while too many "
        "wait already. A session without a device is started by this, and a pairing by code "
        "begins anew with QR codes; both count among the pairings of the hour (429 "
        "`pairing_limit_reached`). Asking twice does no harm, so it takes no "
        "`Idempotency-Key`.",
        request=challenges.WaitInput,
        responses={200: challenges.Awaited, 202: challenges.Awaited},
        examples=[OpenApiExample("Up to a minute", {"timeout": 60}, request_only=True)],
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Wait for the code."""
        form = challenges.WaitInput(data=request.data)
        form.is_valid(raise_exception=True)
        pairing.want_qr(session=self.session(session_id), now=timezone.now())
        found = waiting.wait_for(
            lambda: self._look(session_id), seconds=form.validated_data["timeout"]
        )
        if found is not None:
            return Response(found)
        return Response(
            self._tell(self.session(session_id)),
            status.HTTP_202_ACCEPTED,
            headers={"Retry-After": str(waiting.RETRY_AFTER_SECONDS)},
        )

    def _look(self, session_id: str) -> dict[str, Any] | None:
        """Return what ends the wait, None while it goes on.

        :raises PairingEnded: there will be no code.
        """
        session = self.session(session_id)
        told = self._tell(session)
        if told["challenge"] is not None or session.status in _ARRIVED:
            return told
        if not session.is_live and session.status != SessionStatus.CREATED:
            label = SessionStatus(session.status).label.lower()
            raise PairingEnded(
                f"There will be no code: the session is {label}. {session.reason}".strip(),
                session_status=session.status,
                reason_code=session.reason_code,
            )
        return None

    def _tell(self, session: Session) -> dict[str, Any]:
        now = timezone.now()
        current = selectors.open_challenge(session, now=now)
        shown = current if current and current.kind == ChallengeKind.QR else None
        return {
            "status": session.status,
            "reason": session.reason,
            "reason_code": session.reason_code,
            "challenge": serializers.ChallengeOutput(shown, context={"now": now}).data
            if shown
            else None,
        }


class SessionPairingCode(PairingView):
    """The code to type into the phone."""

    @extend_schema(
        operation_id="sessions_pairing_code",
        tags=TAGS,
        summary="Read the code to type",
        description="409 `pairing_code_not_ready` while there is none.",
        responses=challenges.PairingCodeOutput,
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Return the code."""
        session = self.session(session_id)
        challenge = selectors.pairing_code_of(session, now=timezone.now())
        return Response(challenges.PairingCodeOutput(challenge).data)

    @extend_schema(
        operation_id="sessions_pairing_code_request",
        tags=TAGS,
        summary="Ask for a code to type",
        description="Links the phone of this number without a camera: WhatsApp, Linked "
        "devices, Link a device, Link with phone number instead. Starts the session if it has "
        "to. Answers with the code if WhatsApp makes it within seconds (200), else with the "
        "command (202): then read it here, or hear of `session.pairing_code.updated`. The "
        "QR code is gone until it is asked for anew. 409 `capability_missing` with "
        "`capability: pair_code` when the engine knows QR codes only.",
        parameters=[IDEMPOTENCY],
        request=challenges.PhoneInput,
        responses={200: challenges.PairingCodeOutput, 202: challenges.OrderEnvelope},
        examples=[
            OpenApiExample("A phone", {"phone": "+1 555 010 0123"}, request_only=True),
        ],
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Have a code made."""
        form = challenges.PhoneInput(data=request.data, context={"tenant": self.tenant})
        answer = self.order(request, session_id, form, pairing.request_code)
        command_id = answer.data["command"]["id"]
        return self._code_of(session_id, command_id) or answer

    def _code_of(self, session_id: str, command_id: str) -> Response | None:
        """Return the code if it comes soon, or how the request for it ended."""

        def look() -> Response | None:
            session = self.session(session_id)
            command = selectors.asked_of(session, command_id)
            if not challenges.is_over(command):
                return None
            try:
                challenge = selectors.pairing_code_of(session, now=timezone.now())
            except selectors.PairingCodeNotReady:
                return _queued(command)
            return Response(challenges.PairingCodeOutput(challenge).data)

        return waiting.wait_for(look, seconds=settings.ORSTA_COMMAND_WAIT_SECONDS)


class SessionPasskey(PairingView):
    """The passkey challenge."""

    @extend_schema(
        operation_id="sessions_passkey",
        tags=TAGS,
        summary="Read the passkey challenge",
        description="WhatsApp links some accounts by passkey only. The challenge is for "
        "WhatsApp's own site, so no other site can answer it: sign it where the account's "
        "passkey works, then post the answer here. 409 `passkey_not_requested` while none is "
        "wanted.",
        responses=challenges.PasskeyChallengeOutput,
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Return the challenge."""
        challenge = selectors.passkey_of(self.session(session_id), now=timezone.now())
        return Response(challenges.PasskeyChallengeOutput(challenge).data)

    @extend_schema(
        operation_id="sessions_passkey_answer",
        tags=TAGS,
        summary="Answer the passkey challenge",
        description="A code to compare follows, or the session is connected.",
        parameters=[IDEMPOTENCY],
        request=challenges.PasskeyAnswerInput,
        responses={202: challenges.OrderEnvelope},
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Hand the assertion on."""
        form = challenges.PasskeyAnswerInput(data=request.data)
        return self.order(request, session_id, form, pairing.answer_passkey)


class SessionPasskeyConfirm(PairingView):
    """The code that both sides show."""

    @extend_schema(
        operation_id="sessions_passkey_confirm",
        tags=TAGS,
        summary="Confirm the passkey's code",
        description="Say that the phone shows the same code.",
        parameters=[IDEMPOTENCY],
        request=challenges.ConfirmationInput,
        responses={202: challenges.OrderEnvelope},
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Confirm it."""
        form = challenges.ConfirmationInput(data=request.data)
        return self.order(request, session_id, form, pairing.confirm_passkey)


class SessionLogout(SessionAction):
    """Unlink the device."""

    @extend_schema(
        operation_id="sessions_logout",
        tags=TAGS,
        summary="Unlink the device",
        description="Removes the device from the account; the session stays and can be "
        "linked anew. Nothing but this and a deletion ever gives a device up.",
        parameters=[IDEMPOTENCY],
        request=None,
        responses={202: serializers.SessionEnvelope},
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Want it unlinked."""
        return self.carry_out(request, session_id, lifecycle.logout)


def _queued(command: Command) -> Response:
    """Answer that the runner was told."""
    body = {"command": challenges.OrderOutput(command).data}
    return Response(body, status.HTTP_202_ACCEPTED)
