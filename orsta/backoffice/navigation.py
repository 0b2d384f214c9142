"""The sidebar: what staff look for, in the order in which they look, with what needs them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone

from orsta.core.outbox import selectors as outbox
from sessions_app import selectors as sessions
from sessions_app.states import SessionStatus

BADGES_FRESH_FOR = timedelta(seconds=10)  # every page shows them
NEEDS_SOMEBODY = [
    SessionStatus.LOGGED_OUT,
    SessionStatus.REPLACED,
    SessionStatus.BANNED,
    SessionStatus.FAULTED,
]


@dataclass(frozen=True, slots=True)
class Page:
    """One list of the admin.

    :param model: "app.model"; without a permission to view it the page is left out.
    """

    title: str
    icon: str
    model: str
    badge: Callable[[], int] | None = None

    def item(self) -> dict[str, Any]:
        """Return the page as Unfold wants it."""
        url = reverse(f"admin:{self.model.replace('.', '_')}_changelist")
        item: dict[str, Any] = {"title": self.title, "icon": self.icon, "link": url}
        if self.badge is not None and (count := self.badge()):
            item |= {"badge": str(count), "badge_variant": "danger"}
        return item

    def is_for(self, request: HttpRequest) -> bool:
        """Say whether the person may look at it."""
        app, _, name = self.model.partition(".")
        user = request.user
        return user.has_perm(f"{app}.view_{name}") or user.has_perm(f"{app}.change_{name}")


def troubled_sessions() -> int:
    """Return how many sessions wait for a person."""
    counts = sessions.count_by_status()
    return sum(counts.get(status, 0) for status in NEEDS_SOMEBODY)


def parked_events() -> int:
    """Return how many events were given up."""
    return outbox.backlog(now=timezone.now()).parked


def lost_gateways() -> int:
    """Return how many gateways do not answer."""
    return sessions.gateways_down().count()


def poison_webhooks() -> int:
    """Return how many webhooks no engine could read."""
    return sessions.poison_webhooks().count()


def _fresh(name: str, count: Callable[[], int]) -> Callable[[], int]:
    """Ask at most every ten seconds in this process."""
    seconds = int(BADGES_FRESH_FOR.total_seconds())
    return lambda: int(caches["process"].get_or_set(f"badge:{name}", count, seconds) or 0)


SECTIONS: dict[str, list[Page]] = {
    "WhatsApp": [
        Page(
            "Sessions",
            "smartphone",
            "sessions_app.session",
            badge=_fresh("sessions", troubled_sessions),
        ),
        Page(
            "Gateways", "hub", "sessions_app.gateway", badge=_fresh("gateways", lost_gateways)
        ),
        Page("Proxies", "vpn_lock", "sessions_app.proxy"),
        Page("Messages", "chat", "messaging.message"),
        Page("Contacts", "contacts", "contacts.contact"),
        Page("Contact syncs", "sync", "contacts.contactsync"),
    ],
    "Customers": [
        Page("Tenants", "apartment", "accounts.tenant"),
        Page("Users", "person", "accounts.user"),
        Page("Members", "group", "accounts.membership"),
        Page("Invitations", "forward_to_inbox", "accounts.invitation"),
        Page("Exports", "folder_zip", "accounts.tenantexport"),
        Page("API keys", "key", "accounts.apikey"),
        Page("Logins", "login", "accounts.loginsession"),
    ],
    "Money": [
        Page("Subscriptions", "autorenew", "subscriptions.subscription"),
        Page("Payments", "payments", "billing.payment"),
        Page("Ledger", "receipt_long", "billing.ledgerentry"),
        Page("Payers", "account_balance_wallet", "billing.account"),
        Page("Plans", "sell", "subscriptions.plan"),
        Page("Quotas", "data_usage", "subscriptions.quotausage"),
        Page("Own limits", "tune", "subscriptions.entitlementoverride"),
    ],
    "System": [
        Page(
            "Outbox",
            "outbox",
            "outbox.outboxevent",
            badge=_fresh("outbox", parked_events),
        ),
        Page("Commands", "terminal", "sessions_app.command"),
        Page("Runners", "dns", "sessions_app.runner"),
        Page(
            "Webhooks in",
            "move_to_inbox",
            "sessions_app.inboxentry",
            badge=_fresh("inbox", poison_webhooks),
        ),
        Page("Leases", "lock_clock", "sessions_app.lease"),
        Page("Service keys", "vpn_key", "accounts.servicekey"),
        Page("Mail", "mail", "accounts.mail"),
        Page("Audit log", "history", "accounts.auditentry"),
        Page("Groups", "groups", "auth.group"),
    ],
}


def sections(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar as this person may see it."""
    home = {"title": "Dashboard", "icon": "dashboard", "link": reverse("admin:index")}
    shown: list[dict[str, Any]] = [{"title": "Overview", "items": [home]}]
    for title, pages in SECTIONS.items():
        items = [page.item() for page in pages if page.is_for(request)]
        if items:
            shown.append({"title": title, "separator": True, "items": items})
    return shown


def environment(request: HttpRequest) -> list[str] | None:
    """Return the label that tells a test installation from the real one."""
    if settings.DEPLOYED:
        return None
    return [settings.ORSTA_ENVIRONMENT.title(), "warning"]


def logo(request: HttpRequest) -> str:
    """Return the address of the mark that the console has too."""
    return static("console/logo.svg")


def stylesheet(request: HttpRequest) -> str:
    """Return the address of our own rules on top of Unfold's."""
    return static("backoffice/admin.css")
