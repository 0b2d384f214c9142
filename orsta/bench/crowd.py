"""A crowd in an empty database: tenants of sibling services and their sessions, by COPY."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.models.fields import NOT_PROVIDED

from accounts.models import Tenant
from sessions_app.models import Session
from sessions_app.states import SessionStatus
from subscriptions.models import (
    EntitlementOverride,
    Feature,
    Plan,
    PlanEntitlement,
    QuotaUsage,
    Subscription,
)
from subscriptions.states import SubscriptionStatus

SOURCES = ("app-one", "app-two", "app-three", "app-four")
PLAN = "crowd"
# One tenant has so large a share of all sessions; the others have the rest between them.
GIANT = 1
_GIANT_SHARE = 20
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_STATUSES = (
    SessionStatus.CONNECTED,
    SessionStatus.CONNECTED,
    SessionStatus.STOPPED,
    SessionStatus.LOGGED_OUT,
)


class NotEmpty(RuntimeError):
    """The database holds tenants; a crowd is only put into an empty one."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many there are."""

    tenants: int
    sessions: int

    def owner_of(self, session: int) -> int:
        """Return the number of the tenant that has the session of this number."""
        if session % _GIANT_SHARE == 0 or self.tenants == 1:
            return GIANT
        return 2 + session % (self.tenants - 1)

    def fill(self) -> None:
        """Write everybody; `settle` comes next, outside of a transaction.

        :raises NotEmpty: somebody is there already.
        """
        if Tenant.objects.exists():
            raise NotEmpty("This database holds tenants; take an empty one.")
        with transaction.atomic():
            plan = _make_plan()
            _copy(Tenant, self._tenants())
            _copy(Subscription, self._subscriptions(plan))
            _copy(EntitlementOverride, self._overrides())
            _copy(QuotaUsage, self._usage())
            _copy(Session, self._sessions())

    def settle(self) -> None:
        """Do at once what PostgreSQL does by itself some minutes after such a load."""
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")

    def _tenants(self) -> Iterator[dict[str, Any]]:
        for number in range(1, self.tenants + 1):
            at = _BEGIN + timedelta(seconds=number)
            yield {
                "id": number,
                "public_id": f"ten_{number:026d}",
                "name": f"Customer {number}",
                "source": SOURCES[number % len(SOURCES)],
                "external_id": f"usr_{number}",
                "api_enabled": True,
                "created_at": at,
                "updated_at": at,
            }

    def _subscriptions(self, plan: Plan) -> Iterator[dict[str, Any]]:
        end = _BEGIN + timedelta(days=36_500)
        for number in range(1, self.tenants + 1):
            yield {
                "id": number,
                "public_id": f"sub_{number:026d}",
                "tenant_id": number,
                "plan_id": plan.pk,
                "status": SubscriptionStatus.ACTIVE,
                "starts_at": _BEGIN,
                "ends_at": end,
                "period_starts_at": _BEGIN,
                "period_ends_at": end,
                "created_at": _BEGIN,
                "updated_at": _BEGIN,
            }

    def _overrides(self) -> Iterator[dict[str, Any]]:
        for number in range(1, self.tenants + 1):
            yield {
                "id": number,
                "tenant_id": number,
                "feature": Feature.SESSIONS,
                "limit": self.sessions,
                "created_at": _BEGIN,
            }

    def _usage(self) -> Iterator[dict[str, Any]]:
        used = [0] * (self.tenants + 1)
        for session in range(1, self.sessions + 1):
            used[self.owner_of(session)] += 1
        for number in range(1, self.tenants + 1):
            yield {
                "id": number,
                "tenant_id": number,
                "feature": Feature.SESSIONS,
                "used": used[number],
            }

    def _sessions(self) -> Iterator[dict[str, Any]]:
        for number in range(1, self.sessions + 1):
            at = _BEGIN + timedelta(seconds=number)
            status = _STATUSES[number % len(_STATUSES)]
            linked = status == SessionStatus.CONNECTED
            yield {
                "id": number,
                "public_id": f"ses_{number:026d}",
                "tenant_id": self.owner_of(number),
                "name": f"session {number}",
                "engine": "sandbox",
                "status": status,
                "jid": f"1555{number:07d}@s.whatsapp.net" if linked else "",
                "status_changed_at": at,
                "provisioned_at": at,
                "created_at": at,
                "updated_at": at,
            }


def _make_plan() -> Plan:
    plan: Plan = Plan.objects.create(
        code=PLAN, name="Crowd", price_minor=1, currency="USD", is_active=False
    )
    limits = [(Feature.SESSIONS, 3), (Feature.MESSAGES, None)]
    for feature, limit in limits:
        PlanEntitlement.objects.create(plan=plan, feature=feature, limit=limit)
    return plan


def _copy(model: type[models.Model], rows: Iterable[dict[str, Any]]) -> None:
    """Write rows whose keys are column attributes; the others get the field's default."""
    fields = model._meta.concrete_fields
    defaults = {field.attname: _default(field) for field in fields}
    columns = ", ".join(f'"{field.column}"' for field in fields)
    statement = f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN'
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(list((defaults | row).values()))
        for reset in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(reset)
    sys.stderr.write(f"{model._meta.verbose_name_plural}: written\n")


def _default(field: "models.Field[Any, Any]") -> Any:
    """Return the default as the database takes it, None for a column without one."""
    if field.default is NOT_PROVIDED:
        return "" if field.empty_strings_allowed and not field.null else None
    return field.get_db_prep_save(field.get_default(), connection)
