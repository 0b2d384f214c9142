"""`/auth`: sign up, log in, prolong a login, log out."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import authentication
from accounts.api import answers, cookies, serializers
from accounts.api.base import PersonAPIView, PublicAPIView, user_agent
from accounts.services import login, refresh, signup
from orsta.core.api import idempotency
from orsta.core.api.addresses import client_address
from orsta.core.api.schema import IDEMPOTENCY

_TAGS = ["auth"]


class SignUp(PublicAPIView):
    """A new customer."""

    @extend_schema(
        operation_id="auth_signup_create",
        summary="Sign up",
        description="Creates a person, its workspace and an API key, logs the person in, and "
        "mails a code and a link that verify the address. A user name or an address that is "
        "taken is a 409: whether somebody has an account shows here, within a narrow limit.",
        request=serializers.SignUpInput,
        responses={201: serializers.LoginOutput},
        parameters=[IDEMPOTENCY],
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Create an account; a repeated request shows neither token nor key again."""
        form = serializers.SignUpInput(data=request.data)
        form.is_valid(raise_exception=True)

        def effect() -> Response:
            signed_up = signup.sign_up(
                **form.validated_data,
                ip=client_address(request),
                user_agent=user_agent(request),
                now=timezone.now(),
            )
            return answers.signed_up(request, signed_up)

        return idempotency.run(
            request, scope="public:signup", effect=effect, secrets=("token", "eakey")
        )


class LogIn(PublicAPIView):
    """A customer who comes back."""

    @extend_schema(
        operation_id="auth_login_create",
        summary="Log in",
        description="By e-mail address or user name. Whoever has a second factor gets a 401 "
        "`second_factor_required` with the members `pending` and `methods`, and goes on at "
        "`/auth/login/second-factor` within 5 minutes.",
        request=serializers.LogInInput,
        responses=serializers.LoginOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Exchange a name and a password for a token and a cookie."""
        form = serializers.LogInInput(data=request.data)
        form.is_valid(raise_exception=True)
        logged_in = login.log_in(
            **form.validated_data,
            ip=client_address(request),
            user_agent=user_agent(request),
            now=timezone.now(),
        )
        return answers.logged_in(request, logged_in)


class SecondFactor(PublicAPIView):
    """A login whose password was right."""

    @extend_schema(
        operation_id="auth_login_second_factor_create",
        summary="Log in: the second factor",
        description="At most five attempts; then the login starts over.",
        request=serializers.SecondFactorInput,
        responses=serializers.LoginOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Take a code or a passkey, and answer as a login without second factor does."""
        form = serializers.SecondFactorInput(data=request.data)
        form.is_valid(raise_exception=True)
        logged_in = login.finish(
            **form.validated_data,
            ip=client_address(request),
            user_agent=user_agent(request),
            now=timezone.now(),
        )
        return answers.logged_in(request, logged_in)


class Refresh(PublicAPIView):
    """A login that goes on.

    It needs no CSRF token: the cookie is SameSite=Strict and only sent to this path.
    """

    @extend_schema(
        operation_id="auth_refresh_create",
        summary="Prolong the login",
        description="The cookie `orsta_refresh` works once, and is replaced together with the "
        "token of the login, for 90 days in all. One that was used before ends the login: "
        "somebody has a copy.",
        request=None,
        responses=serializers.RefreshedOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Exchange the refresh cookie for new tokens; the old ones stop working."""
        token = request.COOKIES.get(cookies.REFRESH_COOKIE, "")
        fresh = refresh.rotate(token=token, now=timezone.now())
        response = Response(serializers.RefreshedOutput(fresh).data)
        cookies.give(request, response, fresh)
        return response


class LogOut(PublicAPIView):
    """The end of a login.

    It needs no CSRF token: the cookie is SameSite=Strict, and all it could do is log out.
    """

    @extend_schema(
        operation_id="auth_logout_create",
        summary="Log out",
        request=None,
        responses=serializers.LoggedOutOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Revoke the login of the Bearer token, or else of the cookie, at once."""
        bearer = authentication.bearer_of(request.headers.get("Authorization"))
        token = bearer or request.COOKIES.get(authentication.COOKIE, "")
        login.log_out(token=token, now=timezone.now())
        response = Response({"ok": True})
        cookies.take(response)
        return response


class LogOutEverywhere(PersonAPIView):
    """The end of all logins of a person."""

    required_scope = {"POST": "account:write"}

    @extend_schema(
        operation_id="auth_logout_all_create",
        summary="Log out everywhere",
        request=None,
        responses=serializers.LoggedOutOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Revoke every login of the person at once, this one included."""
        login.revoke_all(user=self.person, now=timezone.now(), actor=self.person.public_id)
        response = Response({"ok": True})
        cookies.take(response)
        return response
