"""Every page of the admin: it opens for staff, costs few queries, and shows no secret."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiKey, AuditEntry, LoginSession, ServiceKey, User
from accounts.services import mail
from accounts.tests.factories import make_service_key, make_user
from billing.models import Payment
from billing.services import payments
from orsta.core.outbox.models import OutboxEvent
from orsta.tests.world import CODE, World, make_world
from sessions_app.contacts.services import syncing
from sessions_app.contacts.tests.factories import make_contact
from sessions_app.models import Runner, Session
from sessions_app.services import inbox, lifecycle
from sessions_app.states import SessionStatus
from sessions_app.tests.fake_gateways import make_gateway, make_proxy
from subscriptions.models import Plan
from subscriptions.services import overrides, quotas

pytestmark = pytest.mark.django_db
GATEWAY_TOKEN, PROXY_PASSWORD = "a gateway's token", "a proxy's password"
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


def url(model: Any, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def logged_in(**fields: object) -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, **fields))
    return client


@pytest.fixture
def staff() -> Client:
    return logged_in(is_superuser=True)


@pytest.fixture
def filled() -> World:
    """Return a world with several rows in every table that the admin shows."""
    now = timezone.now()
    for number in range(3):
        world = make_world(SessionStatus.CONNECTED)
        make_contact(world.session)
        syncing.request_sync(session=world.session, now=now)
        lifecycle.reconnect(session=world.session, now=now)
        quotas.reserve(tenant=world.acme, feature="SESSIONS", now=now)
        own = {"feature": "AGENTS", "limit": number, "expires_at": None, "reason": "Pilot"}
        overrides.set_limit(tenant=world.acme, actor="usr_staff", now=now, **own)
        owner = world.acme.members.first()
        payments.enable_api_key(tenant=make_paying(owner), user=owner, now=now)
        Runner.objects.create(
            node=f"host:{number}", version="1", capacity=1, started_at=now, heartbeat_at=now
        )
        Group.objects.create(name=f"Support {number}")
        make_gateway(token=GATEWAY_TOKEN, engine="wuzapi")
        make_proxy(url=f"http://anna:{PROXY_PASSWORD}@10.0.0.{number}:3128")
        inbox.receive(
            session_id=world.session.pk, dedupe_key="1", payload={"code": CODE}, now=now
        )
        make_service_key(f"shop-{number}")
        values = {"username": "alice", "code": "123456", "url": "https://orsta.example/"}
        mail.queue(template="verify_email", to="a@example.com", context=values, now=now)
    pairing = make_world(SessionStatus.PAIRING)
    assert pairing.session.challenge.text == CODE
    return world


def make_paying(owner: User) -> Any:
    from accounts.tests.factories import make_api_key, make_tenant

    tenant = make_tenant("Paying", owner=owner)
    make_api_key(tenant, active=False)
    return tenant


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


def test_staff_see_what_they_have_rights_for_and_run_no_action(filled):
    client = logged_in()
    user = User.objects.get(pk=client.session["_auth_user_id"])
    user.user_permissions.add(_right_to("view_session"))
    address = url(Session, "stop", filled.session.pk)

    page = client.get(url(Session, "change", filled.session.pk))
    answer = client.post(address, {"_form_submitted": "True"})

    assert page.status_code == 200
    assert address.encode() not in page.content
    assert answer.status_code == 403
    filled.session.refresh_from_db()
    assert filled.session.desired == "RUNNING"


def _right_to(codename: str) -> Permission:
    return Permission.objects.get(codename=codename, content_type__app_label="sessions_app")


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


def actions() -> list[tuple[Any, str, bool]]:
    """Return (model, action, whether it is about one row) of every Unfold action."""
    found = []
    for model, options in admin.site._registry.items():
        for kind in ("actions_list", "actions_detail", "actions_row", "actions_submit_line"):
            names = options._extract_action_names(getattr(options, kind, ()))
            found += [(model, name, kind != "actions_list") for name in names]
    return found


def test_there_are_actions():
    assert len(actions()) >= 15


@pytest.mark.parametrize(("model", "name", "of_row"), actions())
def test_no_action_without_a_dialog(model, name, of_row):
    method = getattr(admin.site._registry[model], name)

    assert method.dialog["title"].endswith("?")
    assert method.allowed_permissions in (["operate"], ["view"])
    assert (method.allowed_permissions == ["view"]) == ((model, name) == (AuditEntry, "export"))


@pytest.mark.parametrize(("model", "name", "of_row"), actions())
def test_a_get_on_an_action_changes_nothing(model, name, of_row, staff, filled):
    args = [model.objects.first().pk] if of_row else []
    events = OutboxEvent.objects.count(), AuditEntry.objects.count()
    before = filled.snapshot()

    response = staff.get(url(model, name, *args))

    assert response.status_code == 200
    assert b'id="dialog-form"' in response.content
    assert filled.snapshot() == before
    assert (OutboxEvent.objects.count(), AuditEntry.objects.count()) == events


@pytest.mark.parametrize(("model", "name", "of_row"), actions())
def test_an_action_needs_a_csrf_token(model, name, of_row, filled):
    staff = Client(enforce_csrf_checks=True)
    staff.force_login(make_user(is_staff=True, is_superuser=True))
    args = [model.objects.first().pk] if of_row else []
    before = filled.snapshot()

    response = staff.post(url(model, name, *args), {"_form_submitted": "True"})

    assert response.status_code == 403
    assert filled.snapshot() == before


def test_a_payment_is_in_the_list_of_its_tenant(staff, filled):
    payment = Payment.objects.select_related("tenant").first()

    found = staff.get(url(Payment, "changelist"), {"q": payment.tenant.public_id})

    assert payment.public_id.encode() in found.content
