"""The paths of the session API, below `/v1/` and `/internal/`."""

from django.urls import path

from sessions_app.api import internal, lookups, pairing, sandbox, v1

_SESSION = "sessions/<str:session_id>"
_USER_SESSION = f"users/<str:user_id>/{_SESSION}"

urlpatterns = [
    path("sessions", v1.SessionList.as_view(), name="session-list"),
    path(_SESSION, v1.SessionDetail.as_view(), name="session-detail"),
    path(f"{_SESSION}/start", v1.SessionStart.as_view(), name="session-start"),
    path(f"{_SESSION}/stop", v1.SessionStop.as_view(), name="session-stop"),
    path(f"{_SESSION}/reconnect", v1.SessionReconnect.as_view(), name="session-reconnect"),
    path(f"{_SESSION}/logout", pairing.SessionLogout.as_view(), name="session-logout"),
    path(f"{_SESSION}/qr", pairing.SessionQrWait.as_view(), name="session-qr"),
    path(
        f"{_SESSION}/pairing-code",
        pairing.SessionPairingCode.as_view(),
        name="session-pairing-code",
    ),
    path(f"{_SESSION}/passkey", pairing.SessionPasskey.as_view(), name="session-passkey"),
    path(
        f"{_SESSION}/passkey/confirm",
        pairing.SessionPasskeyConfirm.as_view(),
        name="session-passkey-confirm",
    ),
    path(f"{_SESSION}/check-numbers", lookups.CheckNumbers.as_view(), name="session-numbers"),
    path(
        f"{_SESSION}/commands/<str:command_id>",
        lookups.CommandDetail.as_view(),
        name="session-command",
    ),
    path("engines", lookups.Engines.as_view(), name="engine-list"),
    path(
        f"{_SESSION}/transitions", v1.SessionTransitions.as_view(), name="session-transitions"
    ),
    path(f"sandbox/{_SESSION}/scan", sandbox.SandboxScan.as_view(), name="sandbox-scan"),
    path(
        f"sandbox/{_SESSION}/inbound", sandbox.SandboxInbound.as_view(), name="sandbox-inbound"
    ),
    path(f"sandbox/{_SESSION}/event", sandbox.SandboxEvent.as_view(), name="sandbox-event"),
    path(f"sandbox/{_SESSION}/fault", sandbox.SandboxFault.as_view(), name="sandbox-fault"),
]
internal_urlpatterns = [
    path(
        "users/<str:user_id>/sessions",
        internal.UserSessionList.as_view(),
        name="internal-session-list",
    ),
    path(_USER_SESSION, internal.UserSessionDetail.as_view(), name="internal-session"),
    path(
        f"{_USER_SESSION}/start",
        internal.UserSessionStart.as_view(),
        name="internal-session-start",
    ),
    path(
        f"{_USER_SESSION}/stop",
        internal.UserSessionStop.as_view(),
        name="internal-session-stop",
    ),
    path(f"{_USER_SESSION}/qr", internal.UserSessionQr.as_view(), name="internal-session-qr"),
]
