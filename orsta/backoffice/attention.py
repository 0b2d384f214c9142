"""What needs somebody of ours now, each with the list that has it."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse

from sessions_app import selectors as sessions


@dataclass(frozen=True, slots=True)
class Item:
    """So many of something, and where they are listed."""

    count: int
    label: str
    href: str


@dataclass(frozen=True, slots=True)
class _List:
    """Where what is counted under a name is listed, narrowed to it.

    :param model: of `sessions_app`; who may not view it is not told.
    """

    model: str
    query: str
    one: str
    many: str


_LISTS: dict[str, _List] = {
    "sessions": _List(
        "session", "attention=yes", "session is in trouble", "sessions are in trouble"
    ),
    "gateways": _List(
        "gateway", "health__exact=DOWN", "gateway does not answer", "gateways do not answer"
    ),
    "proxies": _List(
        "proxy",
        "state__exact=ACTIVE&health__exact=DOWN",
        "proxy does not answer",
        "proxies do not answer",
    ),
    "runners": _List("runner", "life=silent", "runner fell silent", "runners fell silent"),
    "versions": _List(
        "runner", "life=alive", "version of the runners", "versions of the runners at once"
    ),
    "commands": _List(
        "command",
        "state__exact=UNKNOWN",
        "command has an unknown outcome",
        "commands have an unknown outcome",
    ),
    "webhooks": _List(
        "inboxentry", "stage=poison", "webhook can't be read", "webhooks can't be read"
    ),
}


def items(request: HttpRequest, *, now: datetime) -> list[Item]:
    """Return what needs somebody, as far as this person may see it; two statements."""
    counts = sessions.needing_staff(now=now)
    versions = len(sessions.fleet(now=now).versions)
    counts["versions"] = versions if versions > 1 else 0
    return [
        _item(counts[what], place)
        for what, place in _LISTS.items()
        if counts[what] and request.user.has_perm(f"sessions_app.view_{place.model}")
    ]


def _item(count: int, place: _List) -> Item:
    page = reverse(f"admin:sessions_app_{place.model}_changelist")
    label = place.one if count == 1 else place.many
    return Item(count, label, f"{page}?{place.query}")
