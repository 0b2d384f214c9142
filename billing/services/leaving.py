"""What goes of the money when a tenant is purged."""

from datetime import datetime

from django.db import transaction

from accounts.models import Tenant
from billing.models import KeptAnswer, Payment


@transaction.atomic
def purge(tenant: Tenant, now: datetime) -> bool:
    """Empty what callers wrote into payments; what moved, and when, is kept for the books."""
    Payment.objects.for_tenant(tenant).update(
        metadata={}, description="", payment_method="", idempotency_key=""
    )
    KeptAnswer.objects.for_tenant(tenant).delete()
    return True
