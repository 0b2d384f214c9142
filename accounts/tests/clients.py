"""What callers of `/auth` send."""

from accounts.tests.factories import PASSWORD


def bearer(login):
    """Return the header that carries a login."""
    return {"Authorization": f"Bearer {login.token}"}


def log_in(client, **body):
    """Log in with `PASSWORD`, unless the body has another."""
    return client.post("/auth/login", {"password": PASSWORD} | body)
