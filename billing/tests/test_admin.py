"""Staff look at money; the one thing they can do is ask the provider again."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.tests.clients import SUBMITTED
from accounts.tests.factories import make_user
from billing.models import Account, LedgerEntry, Payment
from billing.services import reconciliation
from billing.states import PaymentStatus
from billing.tests.factories import enable, make_customer, make_payment

pytestmark = pytest.mark.django_db
MODELS = [Payment, LedgerEntry, Account]


def url(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:billing_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("search", ["", "?q=acme"])
@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens_and_searches(admin, model, search):
    enable(make_customer(), now=timezone.now())

    response = admin.get(url(model, "changelist") + search)

    assert response.status_code == 200
    assert "USD" in response.content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_every_row_opens(admin, model):
    enable(make_customer(), now=timezone.now())

    assert admin.get(url(model, "change", model.objects.get().pk)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_no_row_can_be_added_changed_or_deleted(admin, model):
    enable(make_customer(), now=timezone.now())
    before = model.objects.values().get()

    answers = [
        admin.post(url(model, "add"), {"amount_minor": 1}),
        admin.post(url(model, "change", before["id"]), {"amount_minor": 1}),
        admin.post(url(model, "delete", before["id"]), {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert model.objects.values().get() == before


def test_lists_do_not_query_per_row(admin, django_assert_max_num_queries):
    for _ in range(10):
        enable(make_customer(), now=timezone.now())

    for model in MODELS:
        with django_assert_max_num_queries(12):
            admin.get(url(model, "changelist"))


def test_payment_methods_are_not_shown(admin):
    payment = make_payment(make_customer(), payment_method="tok_of_somebodys_card")

    page = admin.get(url(Payment, "change", payment.pk)).content.decode()

    assert payment.public_id in page
    assert "tok_of_somebodys_card" not in page


def test_staff_reconcile_a_pending_payment(admin):
    payment = make_payment(make_customer())
    Payment.objects.update(created_at=timezone.now() - reconciliation.PATIENCE)

    response = admin.post(url(Payment, "reconcile", payment.pk), SUBMITTED)

    assert response.headers["HX-Redirect"] == url(Payment, "change", payment.pk)
    assert Payment.objects.get().status == PaymentStatus.SUCCEEDED
    assert LedgerEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (PaymentStatus.PENDING, "The charge may still be running."),
        (PaymentStatus.SUCCEEDED, "This payment is settled already."),
    ],
)
def test_a_payment_that_can_not_be_reconciled_says_why(admin, status, message):
    payment = make_payment(make_customer(), status=status)

    admin.post(url(Payment, "reconcile", payment.pk), SUBMITTED)

    page = admin.get(url(Payment, "change", payment.pk))
    assert message in page.content.decode()
    assert Payment.objects.get().status == status
    assert not LedgerEntry.objects.exists()


def test_looking_at_the_dialog_settles_nothing(admin):
    payment = make_payment(make_customer())

    assert admin.get(url(Payment, "reconcile", payment.pk)).status_code == 200
    assert Payment.objects.get().status == PaymentStatus.PENDING


def test_staff_without_the_permission_can_not_reconcile():
    payment = make_payment(make_customer())
    browser = Client()
    browser.force_login(make_user(is_staff=True))

    response = browser.post(url(Payment, "reconcile", payment.pk), SUBMITTED)

    assert response.status_code == 403
    assert Payment.objects.get().status == PaymentStatus.PENDING
