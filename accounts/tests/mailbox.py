"""The codes and links that people get by mail."""

import json

from django.utils import timezone

from accounts.models import LinkPurpose, Mail
from accounts.services import proofs

NOW = timezone.now()


def mailed(user, purpose=LinkPurpose.VERIFY, *, now=NOW):
    """Issue a proof and read its mail: the code and the token of the link."""
    proofs.issue(user=user, purpose=purpose, now=now)
    context = json.loads(Mail.objects.latest("pk").context)
    return context["code"], context["url"].partition("#")[2]


def wrong(code):
    """Return six other digits."""
    return f"{(int(code) + 1) % 1_000_000:06d}"
