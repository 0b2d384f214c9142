"""Paths below `/auth` and `/internal`."""

from django.urls import path

from accounts.api import (
    auth,
    auth_me,
    auth_recovery,
    factors,
    internal,
    invitations,
    passkeys,
)

auth_urlpatterns = [
    path("signup", auth.SignUp.as_view(), name="signup"),
    path("login", auth.LogIn.as_view(), name="login"),
    path("logout", auth.LogOut.as_view(), name="logout"),
    path("login/second-factor", auth.SecondFactor.as_view(), name="login-second-factor"),
    path("refresh", auth.Refresh.as_view(), name="refresh"),
    path("logout-all", auth.LogOutEverywhere.as_view(), name="logout-all"),
    path("verify", auth_recovery.Verify.as_view(), name="verify"),
    path(
        "resend-verification",
        auth_recovery.ResendVerification.as_view(),
        name="resend-verification",
    ),
    path("password-reset", auth_recovery.PasswordReset.as_view(), name="password-reset"),
    path(
        "password-reset/confirm",
        auth_recovery.PasswordResetConfirm.as_view(),
        name="password-reset-confirm",
    ),
    path("password-change", auth_recovery.PasswordChange.as_view(), name="password-change"),
    path("me", auth_me.Me.as_view(), name="me"),
    path("sessions", auth_me.LoginList.as_view(), name="login-list"),
    path("sessions/<str:login_id>", auth_me.LoginDetail.as_view(), name="login-detail"),
    path("switch-tenant", auth_me.SwitchTenant.as_view(), name="switch-tenant"),
    path("totp", factors.Totp.as_view(), name="totp"),
    path("totp/confirm", factors.TotpConfirm.as_view(), name="totp-confirm"),
    path("recovery-codes", factors.RecoveryCodes.as_view(), name="recovery-codes"),
    path("passkeys", passkeys.PasskeyList.as_view(), name="passkey-list"),
    path("passkeys/options", passkeys.PasskeyOptions.as_view(), name="passkey-options"),
    path("passkeys/login", passkeys.PasskeyLogin.as_view(), name="passkey-login"),
    path(
        "passkeys/login/options",
        passkeys.PasskeyLoginOptions.as_view(),
        name="passkey-login-options",
    ),
    path(
        "passkeys/signup-options",
        passkeys.PasskeySignUpOptions.as_view(),
        name="passkey-signup-options",
    ),
    path("passkeys/<str:passkey_id>", passkeys.PasskeyDetail.as_view(), name="passkey-detail"),
    path(
        "invitations/accept",
        invitations.AcceptInvitation.as_view(),
        name="invitation-accept",
    ),
]
internal_urlpatterns = [path("me", internal.InternalMe.as_view(), name="internal-me")]
