"""Paths of contacts, relative to `/v1/`."""

from django.urls import path

from sessions_app.contacts.api import views

urlpatterns = [
    path(
        "sessions/<str:session_id>/contacts",
        views.ContactList.as_view(),
        name="contacts",
    ),
    path(
        "sessions/<str:session_id>/contacts/sync",
        views.ContactSyncDetail.as_view(),
        name="contact-sync",
    ),
    path(
        "sessions/<str:session_id>/contacts/<str:contact_id>",
        views.ContactDetail.as_view(),
        name="contact",
    ),
]
