"""Where a session lives and by which way it connects: places that are limited."""

import secrets
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from orsta.core import errors
from sessions_app.engines import registry
from sessions_app.engines.capabilities import Capability
from sessions_app.models import Gateway, Proxy, Session
from sessions_app.services import capabilities
from sessions_app.states import GatewayState, Health, ProxyState, SessionStatus

_SECRET_BYTES = 32
Limited = TypeVar("Limited", Gateway, Proxy)


class NoGatewayCapacity(errors.Unavailable):
    """No gateway has a free place."""

    code = "no_gateway_capacity"


class NoProxyAvailable(errors.Unavailable):
    """No proxy has a free place."""

    code = "no_proxy_available"


class ProxiesNotOffered(errors.Invalid):
    """This deployment gives no proxies to sessions that ask for one."""

    code = "proxies_not_offered"


def place(*, engine: str, proxy_country: str = "") -> dict[str, Any]:
    """Return the columns of a new session that say where it lives.

    Call it in the transaction that saves the session: it holds what it chose until the end.

    :param proxy_country: ISO 3166 code; the session gets a proxy that leads there.
    :raises NoGatewayCapacity: the engine needs a gateway, and none has room.
    :raises NoProxyAvailable: a proxy is needed, and none fits.
    :raises CapabilityMissing: the engine can't use a proxy.
    """
    columns: dict[str, Any] = {}
    offered = registry.engine(engine).capabilities
    if proxy_country:
        capabilities.require(Session(engine=engine), Capability.PER_SESSION_PROXY)
    if Capability.GATEWAY in offered:
        columns["gateway"] = gateway_with_room(engine)
        columns["engine_secret"] = secrets.token_urlsafe(_SECRET_BYTES)
    if Capability.PER_SESSION_PROXY in offered:
        columns["proxy"] = _proxy_by_policy(proxy_country.upper())
    return columns


def gateway_with_room(engine: str, *, but: Gateway | None = None) -> Gateway:
    """Return the emptiest gateway that takes sessions, locked.

    :param but: not this one.
    :raises NoGatewayCapacity: there is none.
    """
    rows = Gateway.objects.filter(engine=engine, state=GatewayState.ACTIVE)
    usable = rows.exclude(health=Health.DOWN)
    chosen: Gateway | None = _roomiest(usable.exclude(pk=but.pk) if but else usable, "gateway")
    if chosen is None:
        raise NoGatewayCapacity(
            "There is no room for another session at the moment. Please try again later, or "
            "contact support.",
            engine=engine,
        )
    return chosen


def proxy_with_room(*, country: str = "") -> Proxy | None:
    """Return the emptiest proxy that works, locked; None if there is none.

    :param country: where it has to lead, "" for anywhere.
    """
    usable = Proxy.objects.filter(state=ProxyState.ACTIVE).exclude(health=Health.DOWN)
    fitting = usable.filter(country=country) if country else usable
    chosen: Proxy | None = _roomiest(fitting, "proxy")
    return chosen


def with_used(rows: QuerySet[Any], relation: str) -> QuerySet[Any]:
    """Add `used`: how many sessions each has, those that it has to forget among them."""
    held = _present().filter(**{relation: OuterRef("pk")}).order_by().values(relation)
    used = Subquery(held.annotate(n=Count("pk")).values("n"), output_field=IntegerField())
    counted: QuerySet[Any] = rows.annotate(used=Coalesce(used, 0))
    return counted


def used_by(row: Gateway | Proxy) -> int:
    """Return how many sessions a gateway or a proxy has."""
    relation = "gateway" if isinstance(row, Gateway) else "proxy"
    return _present().filter(**{relation: row}).count()


def _present() -> QuerySet[Session]:
    return Session.objects.exclude(status=SessionStatus.DELETED)


def _roomiest(rows: QuerySet[Limited], relation: str) -> Limited | None:
    """Lock the row with the most free places.

    Whoever waited for the lock counts again: the last place may have gone meanwhile. Each
    round that fails saw a row fill up, so there are not many.
    """
    free = with_used(rows, relation).filter(used__lt=F("capacity"))
    while best := free.order_by(F("used") - F("capacity"), "pk").first():
        locked = rows.select_for_update(no_key=True).filter(pk=best.pk).first()
        if locked is not None and used_by(locked) < locked.capacity:
            return locked
    return None


def _proxy_by_policy(country: str) -> Proxy | None:
    policy = settings.ORSTA_PROXY_POLICY
    if policy == "off":
        if country:
            raise ProxiesNotOffered("This service gives no proxies to new sessions.")
        return None
    proxy = proxy_with_room(country=country)
    if proxy is None and (country or policy == "required"):
        where = f" in {country}" if country else ""
        raise NoProxyAvailable(f"No proxy{where} is free at the moment.", country=country)
    return proxy
