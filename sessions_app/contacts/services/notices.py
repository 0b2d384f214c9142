"""Say what WhatsApp told about contacts."""

from collections.abc import Sequence

from orsta.core.outbox.services import NewEvent, emit_many
from sessions_app.contacts import selectors
from sessions_app.engines.events import ContactsChanged, IdentityChanged
from sessions_app.models import Session
from sessions_app.services import lifecycle


def report_security_codes(*, changed: Sequence[tuple[Session, IdentityChanged]]) -> None:
    """Emit `contact.security_code_changed`: a new phone, or somebody else behind the number."""
    people = selectors.people_behind((session.pk, event.jid) for session, event in changed)
    known = {
        (session.pk, people.get((session.pk, event.jid), event.jid)): session
        for session, event in changed
    }
    emit_many(
        _event("contact.security_code_changed", session, jid=jid)
        for (_, jid), session in known.items()
    )


def report_address_books(*, changed: Sequence[tuple[Session, ContactsChanged]]) -> None:
    """Emit `contacts.changed`, once per session; a sync follows."""
    sessions = {session.pk: session for session, _ in changed}
    emit_many(_event("contacts.changed", session) for session in sessions.values())


def _event(name: str, session: Session, **members: str) -> NewEvent:
    payload = {"session_id": session.public_id, **members}
    return NewEvent(name, session.tenant_id, lifecycle.shard_of(session), payload)
