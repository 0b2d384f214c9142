"""What a send command carries, and what it means to an engine. Plain JSON both ways."""

from typing import Any

from sessions_app.engines.outgoing import (
    Outgoing,
    OutgoingEdit,
    OutgoingReaction,
    OutgoingRevoke,
    OutgoingText,
    Quoted,
)

TEXT, REACTION, EDIT, REVOKE = "text", "reaction", "edit", "revoke"
KINDS = (TEXT, REACTION, EDIT, REVOKE)


def to_outgoing(payload: dict[str, Any]) -> Outgoing:
    """Return what the engine has to send.

    :raises ValueError: nobody here makes commands of that kind.
    """
    wa_id, to = payload["wa_id"], payload["to"]
    match payload.get("kind", TEXT):
        case "text":
            quoted = payload.get("quoted")
            return OutgoingText(
                wa_id, to, payload["text"], Quoted(**quoted) if quoted else None
            )
        case "reaction":
            target = Quoted(**payload["target"])
            return OutgoingReaction(wa_id, to, target, payload["emoji"])
        case "edit":
            return OutgoingEdit(wa_id, to, Quoted(**payload["target"]), payload["text"])
        case "revoke":
            return OutgoingRevoke(wa_id, to, Quoted(**payload["target"]))
        case kind:
            raise ValueError(f"Commands can't send {kind!r}.")


def from_outgoing(message: Outgoing) -> dict[str, Any]:
    """Return the payload of a command that sends this, without the ids of our rows.

    :raises ValueError: media does not travel in commands.
    """
    common = {"wa_id": message.message_id, "to": message.to}
    match message:
        case OutgoingText(text=text, quoted=quoted):
            reply = {"quoted": _quoted(quoted)} if quoted else {}
            return {"kind": TEXT, **common, "text": text, **reply}
        case OutgoingReaction(target=target, emoji=emoji):
            return {"kind": REACTION, **common, "target": _quoted(target), "emoji": emoji}
        case OutgoingEdit(target=target, text=text):
            return {"kind": EDIT, **common, "target": _quoted(target), "text": text}
        case OutgoingRevoke(target=target):
            return {"kind": REVOKE, **common, "target": _quoted(target)}
        case _:
            raise ValueError("Media does not travel in commands.")


def _quoted(target: Quoted) -> dict[str, Any]:
    return {
        "wa_id": target.wa_id,
        "sender": target.sender,
        "from_me": target.from_me,
        "text": target.text,
    }
