"""Clients of the API and the console, and what they send."""

from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.authentication import COOKIE
from accounts.tests.factories import PASSWORD

SUBMITTED = {"_form_submitted": "True"}  # by which Unfold knows that a dialog was filled in


def bearer_of(text):
    """Return the header that carries a login token or a key."""
    return {"Authorization": f"Bearer {text}"}


def bearer(login):
    """Return the header that carries a login."""
    return bearer_of(login.token)


def api_of(login):
    """Return a client of the API that carries a login."""
    return APIClient(headers=bearer(login))


def browser_of(login):
    """Return a browser in which somebody is logged in to the console."""
    browser = Client()
    browser.cookies[COOKIE] = login.token
    return browser


def log_in(client, **body):
    """Log in with `PASSWORD`, unless the body has another."""
    return client.post("/auth/login", {"password": PASSWORD} | body)


def admin_url(model, page, *args):
    """Return the address of a page of the admin, or of an action."""
    return reverse(f"admin:accounts_{model}_{page}", args=args)
