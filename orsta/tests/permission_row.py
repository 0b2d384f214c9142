"""One operation of the service: how to call it, and what everybody gets.

Which roles and keys an operation is open to is not written here: `accounts.roles.GRANTS` says
it, by the scope that the view asks for.
"""

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.urls import resolve

from accounts.roles import GRANTS, KEY_SCOPES, READ_ONLY, Role
from orsta.tests.world import World
from sessions_app.states import SessionStatus

S = SessionStatus
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SESSION = "v1/sessions/<str:session_id>"
SANDBOX = "v1/sandbox/sessions/<str:session_id>"
ROLES = tuple(role.lower() for role in Role)
# Credentials that open nothing, and nobody.
BAD = (
    "wrong key",
    "garbage",
    "inactive key",
    "expired key",
    "revoked key",
    "service key as key",
    "logged out",
    "nobody",
)
STRANGERS = ("stranger", "stranger's key")
# What a caller gets: the status, and the code of a 403.
Answer = tuple[int, str]
NO_SCOPE: Answer = (403, "scope_missing")
NOT_THERE: Answer = (404, "")


@dataclass(frozen=True)
class Row:
    """One operation, and how its owner calls it.

    `kind` says who may: anybody (public), a tenant's people and programs (tenant), its people
    alone (person), its people on a page of the console (page), or a sibling service (service).
    """

    kind: str
    method: str
    route: str
    ok: int = 200
    body: dict[str, Any] | None = None
    status: str = S.CONNECTED  # of the session it is called for
    paid: bool = True
    form: bool = field(default=False, kw_only=True)
    needs: str = field(default="", kw_only=True)  # the scope of a page, whose view tells none
    own: bool = field(default=False, kw_only=True)  # it names what its owner has as a person
    but: dict[str, int] = field(default_factory=dict, kw_only=True)  # who gets another answer

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def has_id(self) -> bool:
        return "session_id" in self.route

    @property
    def scope(self) -> str:
        """Return the scope that it takes; "" where any member is welcome."""
        view = resolve("/" + re.sub(r"<\w+:\w+>", "x", self.route)).func
        scopes = getattr(getattr(view, "view_class", view), "required_scope", {})
        return self.needs or str(scopes.get(self.method, ""))

    @property
    def roles(self) -> set[str]:
        """Return the roles it is open to."""
        return {role.lower() for role in Role if not self.scope or self.scope in GRANTS[role]}

    @property
    def good(self) -> Answer:
        """Return what somebody gets who may."""
        return self.ok, ""

    @property
    def of_people(self) -> dict[str, Answer]:
        """Return what every login gets."""
        open_ = self.scope in READ_ONLY
        unverified = self.good if open_ else (403, "email_not_verified")
        return {
            **{role: self._of_role(role) for role in ROLES},
            "unverified owner": NOT_THERE if self.own else unverified,
            **({} if open_ else {"suspended tenant's owner": (403, "tenant_suspended")}),
            **({"stranger": NOT_THERE} if self.names_something else {}),
            **{caller: (status, "") for caller, status in self.but.items()},
        }

    def _of_role(self, role: str) -> Answer:
        if role not in self.roles:
            return NO_SCOPE
        return NOT_THERE if self.own and role != "owner" else self.good

    @property
    def of_programs(self) -> dict[str, Answer]:
        """Return what every API key gets."""
        narrow = (403, "login_required") if self.kind == "person" else NO_SCOPE
        good = self.good if self._is_for_keys else narrow
        away = NOT_THERE if self._is_for_keys else narrow
        return {
            "key": good,
            "narrow key": narrow,
            "distant key": (403, "address_not_allowed"),
            "suspended tenant's key": (403, "tenant_suspended"),
            **({"stranger's key": away} if self.names_something else {}),
            **({"bound key": away} if self.has_id else {}),
        }

    @property
    def names_something(self) -> bool:
        """Say whether its path names something that a tenant has."""
        return "<" in self.route

    @property
    def _is_for_keys(self) -> bool:
        return self.kind == "tenant" and self.scope in KEY_SCOPES

    def path(self, world: World, session_id: str | None = None) -> str:
        """Return its address in a world, where `session_id` may be somebody else's."""
        ids = world.ids if session_id is None else world.ids | {"session_id": session_id}
        if "user_id" in self.route and session_id is None:
            ids = ids | {"session_id": world.ids["made_session_id"]}
        return "/" + re.sub(r"<\w+:(\w+)>", lambda match: ids[match[1]], self.route)


def answer_of(response: Any) -> Answer:
    """Return what was answered, as the table has it."""
    denied = response.status_code == HTTPStatus.FORBIDDEN
    return response.status_code, response.json()["code"] if denied else ""
