"""Every event that a socket can hear is in docs/websocket.md, and nothing else is.

The names are read from the services' sources: a new one fails here until it is described.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from billing.states import PaymentStatus
from sessions_app.messaging.states import MessageStatus
from sessions_app.realtime import audience
from sessions_app.states import SessionStatus
from subscriptions.states import SubscriptionStatus

GUIDE = settings.BASE_DIR / "docs" / "websocket.md"
TOPICS = audience._OF_SESSIONS | audience._OF_TENANT
NAME = re.compile(rf"({'|'.join(TOPICS)})(\.[a-z_]+)+")
DOCUMENTED = re.compile(rf"`((?:{'|'.join(TOPICS)})(?:\.(?:[a-z_]+|<\w+>))+)`")
# Functions of ours that write to the audit log alone take such names too.
AUDITED = {
    "export.downloaded",
    "invitation.sent",
    "invitation.resent",
    "invitation.revoked",
    "invitation.accepted",
}
# What an f-string's placeholder stands for, by the text before it.
FAMILIES = {
    "message.": {"sent", "delivered", "read", "failed", "unknown"},
    "payment.": {"succeeded", "failed"},
    "contacts.sync.": {"fetched", "progress", "failed"},
    "session.status.": {status.lower() for status in SessionStatus},
    "subscription.": {
        *("activated", "extended", "shortened"),
        *("cancellation_scheduled", "cancellation_withdrawn"),
        *("past_due", "grace", "suspended", "expired", "cancelled"),
    },
}


def sources() -> Iterator[ast.Module]:
    for app in ("accounts", "subscriptions", "billing", "sessions_app"):
        for path in (settings.BASE_DIR / app).rglob("*.py"):
            if is_writer(path):
                yield ast.parse(path.read_text())


def is_writer(path: Path) -> bool:
    return "tests" not in path.parts and {"services", "ingest"} & set(path.parts) != set()


def names_in(tree: ast.Module) -> Iterator[str]:
    """Yield what looks like an event's name, except what is said to be an audit action."""
    actions = {
        id(keyword.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "action"
    }
    for node in ast.walk(tree):
        if id(node) in actions:
            continue
        if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            yield from family(str(node.values[0].value))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from [node.value] if NAME.fullmatch(node.value) else []


def family(prefix: str) -> Iterator[str]:
    if prefix.partition(".")[0] in TOPICS and prefix.endswith("."):
        assert prefix in FAMILIES, f"say in FAMILIES what follows {prefix!r}"
        yield from (prefix + end for end in FAMILIES[prefix])


def test_the_guide_has_every_event_that_is_emitted_and_no_other():
    emitted = {name for tree in sources() for name in names_in(tree)} - AUDITED
    tables = GUIDE.read_text().partition("### All events")[2].partition("## Closing")[0]
    first_cells = "\n".join(
        line.split("|")[1] for line in tables.splitlines() if line.startswith("|")
    )
    documented = {
        name.replace("<status>", status.lower())
        for name in DOCUMENTED.findall(first_cells)
        for status in SessionStatus
    }

    assert emitted - documented == set()
    assert documented - emitted == set()


def test_the_families_follow_their_states():
    moved = set(MessageStatus) - {MessageStatus.QUEUED, MessageStatus.RECEIVED}
    ends = set(PaymentStatus) - {PaymentStatus.PENDING}
    told = set(SubscriptionStatus) - {SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING}

    assert {one.lower() for one in moved} == FAMILIES["message."]
    assert {one.lower() for one in ends} == FAMILIES["payment."]
    assert {one.lower() for one in told} <= FAMILIES["subscription."]


def test_the_guide_says_which_scope_hears_which_topic():
    rows = re.findall(r"^\| (`.*\.\*`.*) \| `([a-z:]+)` \|$", GUIDE.read_text(), re.MULTILINE)
    told = {topic: scope for cell, scope in rows for topic in re.findall(r"`(\w+)\.\*`", cell)}

    assert told == TOPICS
