"""Invitations: mailed, accepted once by whoever reads the address."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Invitation, Mail, Membership, Role, User
from accounts.selectors import members as roster
from accounts.services import invitations, members, signup
from accounts.tests.factories import make_member, make_tenant, make_user, owner_of

pytestmark = pytest.mark.django_db
NOW = timezone.now()
NEW = {"username": "dora", "password": "correct horse 1"}


def invite(tenant, email="bob@example.com", role=Role.DEVELOPER, by=None) -> str:
    """Invite, and return the token that was mailed."""
    invitations.invite(
        tenant=tenant, email=email, role=role, by=by or owner_of(tenant), now=NOW
    )
    return mailed()


def mailed() -> str:
    mail = Mail.objects.order_by("-pk").first()
    return json.loads(mail.context)["url"].partition("#")[2]


def test_an_invited_person_joins_with_the_role():
    tenant, bob = make_tenant(), make_user("bob", email="bob@example.com")
    token = invite(tenant, " Bob@Example.com ")

    place = invitations.accept(token=token, user=bob, now=NOW)

    assert (place.tenant, place.role) == (tenant, Role.DEVELOPER)
    assert User.objects.get(pk=bob.pk).email_verified_at == NOW
    actions = AuditEntry.objects.filter(tenant=tenant).order_by("pk")
    assert list(actions.values_list("action", flat=True)) == [
        "invitation.sent",
        "invitation.accepted",
        "member.added",
    ]


def test_a_new_person_gets_an_account_with_the_invited_address():
    tenant = make_tenant()
    token = invite(tenant)

    joined = invitations.accept_new(token=token, **NEW, now=NOW)

    assert (joined.user.email, joined.user.email_verified_at) == ("bob@example.com", NOW)
    assert Membership.objects.get(user=joined.user).tenant == tenant
    assert joined.tokens.access.startswith("ort_")


def test_the_token_is_stored_as_a_digest_and_works_once():
    tenant = make_tenant()
    token = invite(tenant)
    row = Invitation.objects.get()
    assert token not in {str(value) for value in vars(row).values()}

    invitations.accept_new(token=token, **NEW, now=NOW)

    with pytest.raises(roster.UnknownInvitation):
        invitations.accept_new(token=token, username="eve", password="correct horse 1", now=NOW)
    assert not User.objects.filter(username="eve").exists()


def test_somebody_elses_invitation_is_not_accepted():
    token = invite(make_tenant())
    eve = make_user()

    with pytest.raises(invitations.WrongAddress):
        invitations.accept(token=token, user=eve, now=NOW)

    assert not Membership.objects.filter(user=eve).exists()
    assert Invitation.objects.get().accepted_at is None


def test_who_has_an_account_cannot_make_another_by_invitation():
    make_user("bob", email="bob@example.com")
    token = invite(make_tenant())

    with pytest.raises(signup.AlreadyExists):
        invitations.accept_new(token=token, **NEW, now=NOW)

    assert Invitation.objects.get().accepted_at is None


@pytest.mark.parametrize("end", ["expired", "withdrawn", "suspended", "sent again"])
def test_an_invitation_that_ended_opens_nothing(end):
    tenant = make_tenant()
    token, now = invite(tenant), NOW
    row = Invitation.objects.get()
    if end == "expired":
        now = NOW + invitations.LIFETIME
    elif end == "withdrawn":
        invitations.revoke(invitation=row, actor="usr_1", now=NOW)
    elif end == "suspended":
        tenant.status = "SUSPENDED"
        tenant.save()
    else:
        invitations.resend(invitation=row, by=owner_of(tenant), now=NOW)

    with pytest.raises(roster.UnknownInvitation):
        invitations.accept_new(token=token, **NEW, now=now)

    assert not User.objects.filter(username="dora").exists()


def test_a_resent_invitation_has_a_new_link_and_the_full_time():
    tenant = make_tenant()
    invite(tenant)
    later = NOW + timedelta(days=5)

    invitations.resend(invitation=Invitation.objects.get(), by=owner_of(tenant), now=later)

    assert Invitation.objects.get().expires_at == later + invitations.LIFETIME
    joined = invitations.accept_new(token=mailed(), **NEW, now=later)
    assert joined.tenant == tenant


def test_nobody_is_invited_twice_or_while_they_are_a_member():
    tenant = make_tenant()
    invite(tenant)
    make_member(tenant, make_user(email="carol@example.com"))

    with pytest.raises(invitations.AlreadyInvited):
        invite(tenant)
    with pytest.raises(members.AlreadyMember):
        invite(tenant, "Carol@example.com")

    assert Invitation.objects.count() == 1


def test_an_expired_invitation_makes_room_for_another():
    tenant = make_tenant()
    invite(tenant)
    Invitation.objects.update(expires_at=NOW)

    invite(tenant)

    assert roster.invitations_of(tenant).count() == 1


def test_an_admin_invites_no_owner():
    tenant = make_tenant()

    with pytest.raises(members.RoleTooHigh):
        invite(tenant, role=Role.OWNER, by=make_member(tenant, role=Role.ADMIN))

    assert not Mail.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_accept_at_once_one_joins(race):
    tenant = make_tenant()
    bob = make_user("bob", email="bob@example.com")
    token = invite(tenant)

    results = race(2, lambda: invitations.accept(token=token, user=bob, now=NOW))

    assert sum(isinstance(result, Membership) for result in results) == 1
    assert Membership.objects.filter(tenant=tenant, user=bob).count() == 1


def test_the_audit_log_names_no_address():
    invite(make_tenant())

    entry = AuditEntry.objects.get(action="invitation.sent")
    assert entry.after == {"email": "b…@example.com", "role": "DEVELOPER"}
