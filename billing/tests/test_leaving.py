"""What is left of payments when a tenant is purged."""

import pytest
from django.utils import timezone

from billing.models import KeptAnswer, LedgerEntry, Payment
from billing.services import leaving
from billing.tests.factories import enable, make_customer

pytestmark = pytest.mark.django_db


def test_a_purge_empties_what_the_caller_wrote_and_keeps_what_moved():
    now = timezone.now()
    gone, other = make_customer(), make_customer()
    for customer in (gone, other):
        enable(
            customer, now=now, description="Alice's key", metadata={"note": "for Alice"},
            idempotency_key="alice-1", fingerprint="f1",
        )  # fmt: skip
        enable(customer, now=now, idempotency_key="alice-2", fingerprint="f2")
    ledger = list(LedgerEntry.objects.order_by("pk").values())

    assert leaving.purge(gone.tenant, now) is True

    payment = Payment.objects.get(tenant=gone.tenant)
    assert (payment.metadata, payment.description, payment.payment_method) == ({}, "", "")
    assert (payment.amount_minor, payment.idempotency_key) == (999, "")
    assert KeptAnswer.objects.get().tenant == other.tenant
    assert list(LedgerEntry.objects.order_by("pk").values()) == ledger
    assert Payment.objects.get(tenant=other.tenant).metadata == {"note": "for Alice"}
