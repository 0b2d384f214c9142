"""Paths below `/auth` and `/internal`."""

from django.urls import path

from accounts.api import auth, internal

auth_urlpatterns = [
    path("signup", auth.SignUp.as_view(), name="signup"),
    path("login", auth.LogIn.as_view(), name="login"),
    path("logout", auth.LogOut.as_view(), name="logout"),
    path("me", auth.Me.as_view(), name="me"),
]
internal_urlpatterns = [path("me", internal.InternalMe.as_view(), name="internal-me")]
