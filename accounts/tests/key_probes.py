"""What the tests of API keys look at."""

from django.utils import timezone

from accounts import selectors
from accounts.models import ApiKey, AuditEntry
from orsta.core.outbox.models import OutboxEvent

NOW = timezone.now()
SESSION = "ses_01kb1z2q7mw4g0v9s2x8c5r6tn"


def use(text, *, now=NOW):
    """Return who a key speaks for; None if it opens nothing."""
    return selectors.principal_of_api_key(text, now=now)


def opens(text, *, now=NOW):
    """Say whether a key works."""
    return use(text, now=now) is not None


def revoke_elsewhere(key):
    """Change the row as another process would: nothing tells this one."""
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=NOW)


def events():
    """Return what happened to keys, in order, with the key's id."""
    rows = OutboxEvent.objects.filter(name__startswith="api_key.").order_by("pk")
    return [(row.name, row.payload["credential_id"]) for row in rows]


def trail(tenant):
    """Return what the audit log has of a tenant, in order."""
    log = AuditEntry.objects.filter(tenant=tenant).order_by("pk")
    return list(log.values_list("action", "actor", "target"))
