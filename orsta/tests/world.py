"""Two tenants, everybody who may call, and every credential that opens nothing."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import transaction
from django.test import Client
from django.utils import timezone
from fido2.cose import ES256
from fido2.webauthn import Aaguid, AttestedCredentialData

from accounts import keys as formats
from accounts.authentication import COOKIE
from accounts.models import (
    ApiKey,
    ExportStatus,
    Invitation,
    Membership,
    Passkey,
    Role,
    Tenant,
    TenantExport,
    TenantStatus,
    User,
)
from accounts.tenancy import TenantOwnedModel
from accounts.tests.factories import (
    make_api_key,
    make_login,
    make_member,
    make_service_key,
    make_tenant,
    make_user,
)
from sessions_app.contacts.tests.factories import make_contact
from sessions_app.messaging.states import MessageStatus
from sessions_app.messaging.tests.factories import make_message
from sessions_app.models import Command, PairingChallenge, Session
from sessions_app.states import CommandKind, CommandState, SessionStatus
from sessions_app.tests.factories import make_session
from subscriptions.models import Feature
from subscriptions.tests.factories import make_plan, subscribe

CODE = "https://wa.me/settings/linked_devices#2@secret-of-alice"
UNKNOWN = "ses_00000000000000000000000000"
NETWORK = "203.0.113.0/24"  # nobody here calls from it
SOURCE = "suite"  # the sibling service that made a tenant
_numbers = itertools.count(1)
# The public half of a passkey that nobody has.
_CREDENTIAL = AttestedCredentialData.create(
    Aaguid.NONE, b"c1", ES256({1: 2, 3: -7, -1: 1, -2: b"x" * 32, -3: b"y" * 32})
)
_VOLATILE = {"last_used_at"}


@dataclass
class World:
    """Alice owns Acme, which may have a member of every role; Charlie owns another tenant.

    Both tenants have a session; `ids` names what a path of Acme's can name. Callers come into
    being when they are introduced, or when they first call.
    """

    acme: Tenant
    others: Tenant
    session: Session
    strangers_session: Session
    ids: dict[str, str]
    headers: dict[str, dict[str, str]] = field(default_factory=lambda: {"nobody": {}})
    cookies: dict[str, str] = field(default_factory=dict)

    def introduce(self, *callers: str) -> None:
        """Make callers, so that a snapshot has them."""
        for caller in callers:
            if caller not in self.headers:
                self._introduce(caller)

    def _introduce(self, caller: str) -> None:
        if caller in LOGINS:
            self.cookies[caller] = LOGINS[caller](self)
            self.headers[caller] = {"authorization": f"Bearer {self.cookies[caller]}"}
        elif caller in SERVICES:
            text = make_service_key(SERVICES[caller]).text
            self.headers[caller] = {"x-internal-api-key": text}
        else:
            self.headers[caller] = {"x-api-key": PROGRAMS[caller](self)}

    def snapshot(self, *tenants: Tenant) -> Any:
        """Return what a refused call must leave as it was, of some tenants or of all."""
        of = {"tenant__in": tenants} if tenants else {}
        return {
            model.__name__: [
                {name: value for name, value in row.items() if name not in _VOLATILE}
                for row in model._default_manager.filter(**of).order_by("pk").values()
            ]
            for model in apps.get_models()
            if issubclass(model, TenantOwnedModel)
        }

    def client(self, caller: str, *, browser: bool = False) -> Client:
        """Return a client that sends the caller's credential, as a browser has it if asked."""
        self.introduce(caller)
        if not browser:
            return Client(headers=self.headers[caller])
        client = Client()
        if token := self.cookies.get(caller):
            client.cookies[COOKIE] = token
        return client


def make_world(status: str = SessionStatus.CONNECTED, *, paid: bool = True) -> World:
    """Build it anew; the sessions are in `status`."""
    acme = make_tenant("Acme", owner=_verified_user())
    others = make_tenant("Strangers", owner=_verified_user())
    plan = make_plan(**dict.fromkeys(Feature.values))
    for tenant in (acme, others) if paid else ():
        subscribe(tenant, plan)
    make_api_key(others, active=False)
    session, strangers_session = (
        make_session(tenant=tenant, status=status) for tenant in (acme, others)
    )
    if status == SessionStatus.PAIRING:
        now = timezone.now()
        PairingChallenge.objects.create(
            session=session, text=CODE, seq=1, issued_at=now, expires_at=now + timedelta(60)
        )
    message = make_message(session, text="for Acme's eyes", status=MessageStatus.UNKNOWN)
    ids = {"session_id": session.public_id, "message_id": message.public_id}
    ids["command_id"] = _made_command(session).dedupe_key
    ids["gateway_id"] = "gtw_unknown"
    ids["contact_id"] = make_contact(session).public_id
    ids |= _named_in(acme) | _made_outside(status)
    return World(acme, others, session, strangers_session, ids)


def _made_command(session: Session) -> Command:
    """Make one that is over."""
    return Command.objects.create(
        tenant=session.tenant,
        session=session,
        kind=CommandKind.CHECK_NUMBERS,
        state=CommandState.DONE,
        dedupe_key="cmd_acme",
        created_at=timezone.now(),
    )


def _named_in(acme: Tenant) -> dict[str, str]:
    """Make one of everything else that a path can name."""
    now, login = timezone.now(), make_login(acme)
    unused = {
        "key_id": formats.mint(formats.KeyType.INVITATION).key_id,
        "digest": "-",
        "pepper_id": "p1",
        "hint": "hint",
    }
    member = Membership.objects.get(user=make_member(acme, _verified_user()))
    invitation = Invitation.objects.create(
        tenant=acme,
        email="frank@example.com",
        role=Role.VIEWER,
        expires_at=now + timedelta(days=1),
        **unused,
    )
    export = TenantExport.objects.create(
        tenant=acme, status=ExportStatus.FAILED, created_at=now, touched_at=now
    )
    passkey = Passkey.objects.create(
        user=login.user,
        name="Laptop",
        credential_id=unused["key_id"],
        credential=_CREDENTIAL,
        created_at=now,
    )
    # Not more than a developer has, who may then replace it.
    key = make_api_key(acme, scopes=["messages:read"], active=False)
    return {
        "key_id": key.row.public_id,
        "login_id": login.row.public_id,
        "member_id": member.public_id,
        "invitation_id": invitation.public_id,
        "export_id": export.public_id,
        "passkey_id": passkey.public_id,
    }


def _made_outside(status: str) -> dict[str, str]:
    """Make a tenant of a sibling service, with a session."""
    user_id = f"user-{next(_numbers)}"
    made = make_tenant("Made", source=SOURCE, external_id=user_id)
    subscribe(made, make_plan(**dict.fromkeys(Feature.values)))
    make_api_key(made)
    session = make_session(tenant=made, status=status)
    return {"user_id": user_id, "made_session_id": session.public_id}


def _verified_user() -> User:
    return make_user(email_verified_at=timezone.now())


def _owner(world: World) -> str:
    return make_login(world.acme).token


def _member(role: Role) -> Callable[[World], str]:
    def log_in(world: World) -> str:
        return make_login(world.acme, make_member(world.acme, _verified_user(), role)).token

    return log_in


def _unverified_owner(world: World) -> str:
    return make_login(world.acme, make_member(world.acme, make_user(), Role.OWNER)).token


def _logged_out(world: World) -> str:
    ended = make_login(world.acme)
    ended.row.revoked_at = timezone.now()
    ended.row.save()
    return ended.token


def _suspended_owner(world: World) -> str:
    login = make_login(make_tenant("Suspended", owner=_verified_user()))
    Tenant.objects.filter(pk=login.tenant.pk).update(status=TenantStatus.SUSPENDED)
    return login.token


def _suspended_key(world: World) -> str:
    issued = make_api_key()
    Tenant.objects.filter(pk=issued.row.tenant_id).update(status=TenantStatus.SUSPENDED)
    return issued.text


def _bound_key(world: World) -> str:
    elsewhere = make_session(tenant=world.acme).public_id
    return make_api_key(world.acme, session_ids=[elsewhere]).text


def _narrow_key(world: World) -> str:
    issued = make_api_key(world.acme)
    ApiKey.objects.filter(pk=issued.row.pk).update(scopes=[])
    return issued.text


def _expired_key(world: World) -> str:
    return make_api_key(world.acme, expires_at=timezone.now() - timedelta(seconds=1)).text


def _revoked_key(world: World) -> str:
    issued = make_api_key(world.acme)
    ApiKey.objects.filter(pk=issued.row.pk).update(revoked_at=timezone.now())
    return issued.text


LOGINS: dict[str, Callable[[World], str]] = {
    "owner": _owner,
    **{role.lower(): _member(role) for role in Role if role != Role.OWNER},
    "unverified owner": _unverified_owner,
    "suspended tenant's owner": _suspended_owner,
    "stranger": lambda world: make_login(world.others).token,
    "logged out": _logged_out,
}
PROGRAMS: dict[str, Callable[[World], str]] = {
    "key": lambda world: make_api_key(world.acme).text,
    "narrow key": _narrow_key,
    "bound key": _bound_key,
    "distant key": lambda world: make_api_key(world.acme, networks=[NETWORK]).text,
    "stranger's key": lambda world: make_api_key(world.others).text,
    "suspended tenant's key": _suspended_key,
    "wrong key": lambda world: formats.mint(formats.KeyType.API_KEY).render(),
    "garbage": lambda world: "ork_not-a-key",
    "inactive key": lambda world: make_api_key(active=False).text,
    "expired key": _expired_key,
    "revoked key": _revoked_key,
    "service key as key": lambda world: make_service_key().text,
}
# By the source that their key is bound to.
SERVICES = {"service": "", "scoped service": SOURCE, "foreign service": "others"}


@contextmanager
def taken_back() -> Iterator[None]:
    """Take back what happens inside; what must be outermost may run there too."""
    block = transaction.atomic()
    block._from_testcase = True  # or Django refuses durable blocks inside
    with block:
        yield
        transaction.set_rollback(True)
