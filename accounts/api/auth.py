"""`/auth`: sign up, log in, log out, who am I."""

from django.middleware.csrf import rotate_token
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import authentication, selectors
from accounts.api import serializers
from accounts.api.base import PublicAPIView, TenantAPIView, client_address, user_agent
from accounts.services import login, signup


class SignUp(PublicAPIView):
    """A new customer."""

    @extend_schema(
        request=serializers.SignUpInput, responses={201: serializers.LoginOutput}, tags=["auth"]
    )
    def post(self, request: Request) -> Response:
        """Create a person, its workspace and an API key, and log the person in."""
        form = serializers.SignUpInput(data=request.data)
        form.is_valid(raise_exception=True)
        signed_up = signup.sign_up(
            username=form.validated_data["username"],
            email=form.validated_data["email"],
            password=form.validated_data["password"],
            ip=client_address(request),
            user_agent=user_agent(request),
            now=timezone.now(),
        )
        response = Response(_shape(signed_up, eakey=signed_up.api_key), status.HTTP_201_CREATED)
        return _with_login(request, response, signed_up.token)


class LogIn(PublicAPIView):
    """A customer who comes back."""

    @extend_schema(
        request=serializers.LogInInput, responses=serializers.LoginOutput, tags=["auth"]
    )
    def post(self, request: Request) -> Response:
        """Exchange e-mail address and password for a token and a cookie."""
        form = serializers.LogInInput(data=request.data)
        form.is_valid(raise_exception=True)
        logged_in = login.log_in(
            **form.validated_data,
            ip=client_address(request),
            user_agent=user_agent(request),
            now=timezone.now(),
        )
        response = Response(_shape(logged_in, eakey=logged_in.api_key_masked))
        return _with_login(request, response, logged_in.token)


class LogOut(PublicAPIView):
    """The end of a login.

    It needs no CSRF token: the cookie is SameSite=Strict, and all it could do is log out.
    """

    @extend_schema(request=None, responses=serializers.LoggedOutOutput, tags=["auth"])
    def post(self, request: Request) -> Response:
        """Revoke the login of the Bearer token, or else of the cookie, at once."""
        bearer = authentication.bearer_of(request.headers.get("Authorization"))
        token = bearer or request.COOKIES.get(authentication.COOKIE, "")
        login.log_out(token=token, now=timezone.now())
        response = Response({"ok": True})
        authentication.take_cookie(response)
        return response


class Me(TenantAPIView):
    """The caller about itself."""

    required_scope = {"GET": "account:read"}

    @extend_schema(responses=serializers.MeOutput, tags=["auth"])
    def get(self, request: Request) -> Response:
        """Return the person, the workspace and the state of the API key."""
        profile = selectors.profile_of(self.principal)
        response = Response(serializers.MeOutput(profile).data)
        add_never_cache_headers(response)
        return response


def _shape(opened: signup.SignedUp | login.LoggedIn, *, eakey: str) -> dict[str, object]:
    members = {"token": opened.token, "user": opened.user, "eakey": eakey}
    return serializers.LoginOutput(members).data


def _with_login(request: Request, response: Response, token: str) -> Response:
    authentication.give_cookie(response, token)
    rotate_token(request)  # pages that use the cookie need a CSRF token from now on
    add_never_cache_headers(response)
    return response
