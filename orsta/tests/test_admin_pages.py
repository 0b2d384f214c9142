"""Every page of the admin: it opens for staff, costs few queries, and shows no secret."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, LoginSession, ServiceKey, User
from billing.models import Payment
from orsta.tests.admin_world import (
    GATEWAY_TOKEN,
    PROXY_PASSWORD,
    logged_in,
    make_filled_world,
    url,
)
from orsta.tests.world import CODE, World
from subscriptions.models import Plan

pytestmark = pytest.mark.django_db
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
# The most that a list may cost, whatever it holds: the person, its rights, badges, the rows.
MAX_LIST_QUERIES = 10
MAX_PAGE_QUERIES = 22  # four of them are the badges of the sidebar, asked every ten seconds
ADDABLE = {
    "accounts.User", "auth.Group", "subscriptions.Plan", "sessions_app.Gateway",
    "sessions_app.Proxy",
}  # fmt: skip


def every(*models: Any) -> Any:
    return pytest.mark.parametrize("model", models, ids=lambda model: model._meta.label)


@pytest.fixture
def staff() -> Client:
    return logged_in(is_superuser=True)


@pytest.fixture
def filled() -> World:
    return make_filled_world()


def test_every_model_of_ours_is_in_the_sidebar(staff, filled):
    page = staff.get(reverse("admin:index")).content.decode()

    missing = [
        model._meta.label for model in MODELS if f'"{url(model, "changelist")}"' not in page
    ]
    assert missing == []


@every(*MODELS)
def test_every_list_opens_with_few_queries(model, staff, filled, django_assert_max_num_queries):
    assert model.objects.count() >= 2 or model is Plan

    with django_assert_max_num_queries(MAX_LIST_QUERIES):
        response = staff.get(url(model, "changelist"))

    assert response.status_code == 200
    assert b'id="result_list"' in response.content


@every(*MODELS)
def test_every_list_searches_and_filters(model, staff, filled):
    options = admin.site._registry[model]
    assert options.search_fields, "staff look things up"
    request = staff.get(url(model, "changelist"), {"q": "ten_01"}).wsgi_request
    assert options.get_list_filter(request) or model is Group

    for spec in options.get_changelist_instance(request).filter_specs:
        for choice in spec.choices(options.get_changelist_instance(request)):
            if "query_string" not in choice:  # a field to type in
                continue
            address = url(model, "changelist") + choice["query_string"]
            assert staff.get(address).status_code == 200, address


@every(*MODELS)
def test_every_row_opens_with_few_queries(model, staff, filled, django_assert_max_num_queries):
    row = model.objects.order_by("-pk").first()

    with django_assert_max_num_queries(MAX_PAGE_QUERIES):
        response = staff.get(url(model, "change", row.pk))

    assert response.status_code == 200


@every(*MODELS)
def test_rows_are_added_by_the_system_but_for_a_few(model, staff):
    expected = 200 if model._meta.label in ADDABLE else 403

    assert staff.get(url(model, "add")).status_code == expected


@every(*(model for model in MODELS if model._meta.label not in ADDABLE))
def test_system_rows_can_be_neither_changed_nor_deleted(model, staff, filled):
    row = model.objects.order_by("pk").first()
    before = model.objects.filter(pk=row.pk).values().get()

    answers = [
        staff.post(url(model, "change", row.pk), {"name": "x"}).status_code,
        staff.post(url(model, "delete", row.pk), {"post": "yes"}).status_code,
        staff.post(
            url(model, "changelist"), {"action": "delete_selected", "_selected_action": row.pk}
        ).status_code,
    ]

    assert answers[:2] == [403, 403]
    assert answers[2] in {200, 302}  # the list again, without such an action
    assert model.objects.filter(pk=row.pk).values().get() == before


def secrets_of_the_world() -> set[str]:
    """Return everything that no page may show."""
    hidden = {CODE, "secret-of-alice", GATEWAY_TOKEN, PROXY_PASSWORD}
    for credential in (ApiKey, LoginSession, ServiceKey):
        hidden |= set(credential.objects.values_list("digest", flat=True))
    return hidden | set(User.objects.values_list("password", flat=True))


@every(*MODELS)
def test_no_page_shows_a_secret(model, staff, filled):
    hidden = secrets_of_the_world()

    pages = [staff.get(url(model, "changelist"))]
    pages += [staff.get(url(model, "change", row.pk)) for row in model.objects.all()]

    for page in pages:
        written = page.content.decode()
        assert [secret for secret in hidden if secret in written] == []


@every(*MODELS)
@pytest.mark.parametrize("page", ["changelist", "add", "change"])
def test_customers_and_passers_by_see_nothing(model, page, filled):
    args = [model.objects.first().pk] if page == "change" else []
    customer = Client()
    customer.force_login(User.objects.filter(is_staff=False).first())

    for client in (customer, Client(), filled.client("owner"), filled.client("key")):
        response = client.get(url(model, page, *args))
        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("admin:login"))


@every(*MODELS)
def test_staff_without_rights_see_no_list(model, filled):
    assert logged_in().get(url(model, "changelist")).status_code == 403


def test_staff_cannot_make_themselves_superusers(filled):
    client = logged_in()
    user = User.objects.get(pk=client.session["_auth_user_id"])
    user.user_permissions.add(
        *Permission.objects.filter(codename__in=["change_user", "view_user", "add_user"])
    )

    answers = [
        client.post(url(User, "change", user.pk), {"is_superuser": "on", "email": user.email}),
        client.post(url(User, "add"), {"email": "x@example.com", "is_superuser": "on"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    user.refresh_from_db()
    assert not user.is_superuser


def test_a_superuser_makes_staff(staff):
    form = {"email": "eve@example.com", "username": "eve", "is_staff": "on"}
    passwords = {"password1": "correct horse 1", "password2": "correct horse 1"}
    empty = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}

    response = staff.post(url(User, "add"), form | passwords | empty)

    assert response.status_code == 302
    eve = User.objects.get(email="eve@example.com")
    assert (eve.is_staff, eve.is_superuser, eve.check_password("correct horse 1")) == (
        True,
        False,
        True,
    )


def test_a_payment_is_in_the_list_of_its_tenant(staff, filled):
    payment = Payment.objects.select_related("tenant").first()

    found = staff.get(url(Payment, "changelist"), {"q": payment.tenant.public_id})

    assert payment.public_id.encode() in found.content
