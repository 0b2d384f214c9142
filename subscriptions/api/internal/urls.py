"""Paths below `/internal/`."""

from django.urls import path

from subscriptions.api.internal import bulk, keys, usage, users

_USER = "users/<str:user_id>"

urlpatterns = [
    path("users", users.UserList.as_view(), name="internal-users"),
    path("users/bulk", bulk.UserBulk.as_view(), name="internal-users-bulk"),
    path(_USER, users.UserDetail.as_view(), name="internal-user"),
    path(f"{_USER}/apikey", keys.UserKey.as_view(), name="internal-user-key"),
    path(
        f"{_USER}/apikey/rotate",
        keys.UserKeyRotate.as_view(),
        name="internal-user-key-rotate",
    ),
    path(f"{_USER}/suspend", users.UserSuspend.as_view(), name="internal-user-suspend"),
    path(f"{_USER}/resume", users.UserResume.as_view(), name="internal-user-resume"),
    path(f"{_USER}/usage", usage.UserUsage.as_view(), name="internal-user-usage"),
]
