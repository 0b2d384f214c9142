"""HTTP clients of paying customers."""

import json

from django.test import Client

from accounts.tests.factories import Login

ENABLE = "/billing/enable-api-key"
DISABLE = "/billing/disable-api-key"
STATUS = "/billing/api-key-status"
SUMMARY = "/billing/summary"


def client_of(customer: Login) -> Client:
    """Return a client that sends the customer's login token."""
    return Client(headers={"Authorization": f"Bearer {customer.token}"})


def post(customer: Login, body: object, path: str = ENABLE, **headers: str):
    """Post JSON as the customer; bytes go out as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body)
    return client_of(customer).post(
        path, data, content_type="application/json", headers=headers
    )
