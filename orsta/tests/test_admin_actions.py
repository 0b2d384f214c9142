"""What staff do in the admin: only what they may, after a dialog, and never by a link alone."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.tests.factories import make_user
from orsta.core.outbox.models import OutboxEvent
from orsta.tests.admin_world import logged_in, make_filled_world, url
from orsta.tests.world import World
from sessions_app.models import Session

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    return logged_in(is_superuser=True)


@pytest.fixture
def filled() -> World:
    return make_filled_world()


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


@pytest.mark.parametrize(
    ("model", "name"), [(model, name) for model, name, of_row in actions() if of_row]
)
def test_an_action_on_a_row_that_is_not_there_is_not_found(model, name, staff):
    form = {"_form_submitted": "True", "reason": "Asked for"}

    for key in ("999999", "x", "9" * 30):
        assert staff.post(url(model, name, key), form).status_code == 404


@pytest.mark.parametrize(("model", "name", "of_row"), actions())
def test_an_action_needs_a_csrf_token(model, name, of_row, filled):
    staff = Client(enforce_csrf_checks=True)
    staff.force_login(make_user(is_staff=True, is_superuser=True))
    args = [model.objects.first().pk] if of_row else []
    before = filled.snapshot()

    response = staff.post(url(model, name, *args), {"_form_submitted": "True"})

    assert response.status_code == 403
    assert filled.snapshot() == before
