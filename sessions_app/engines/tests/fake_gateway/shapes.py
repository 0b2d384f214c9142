"""Webhooks' events, in the JSON of whatsmeow's types."""

from __future__ import annotations

from datetime import UTC, datetime


def now():
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def message(wa_id, chat, sender, content, **info):
    """A message, and everything that comes as one: reactions, edits, revokes."""
    about = {
        "ID": wa_id,
        "Chat": chat,
        "Sender": sender,
        "SenderAlt": "",
        "IsFromMe": False,
        "IsGroup": chat.endswith("@g.us"),
        "PushName": "Friend",
        "Timestamp": now(),
    }
    return {"type": "Message", "event": {"Info": about | info, "Message": content}}


def receipt(state, wa_ids, chat, **more):
    event = {
        "Chat": chat,
        "Sender": chat,
        "IsFromMe": False,
        "MessageIDs": list(wa_ids),
        "Timestamp": now(),
        "Type": {"Delivered": "", "Read": "read", "ReadSelf": "read-self"}[state],
    }
    return {"type": "ReadReceipt", "state": state, "event": event | more}


def reaction(emoji, target):
    return {"reactionMessage": {"key": {"ID": target, "fromMe": True}, "text": emoji}}


def edit(text, target):
    changed = {"key": {"ID": target}, "type": 14, "editedMessage": {"conversation": text}}
    return {"protocolMessage": changed}


def revoke(target):
    return {"protocolMessage": {"key": {"ID": target}, "type": 0}}


def image(caption="", size=3):
    return {
        "imageMessage": {
            "URL": "https://mmg.whatsapp.net/file",
            "directPath": "/file",
            "mediaKey": "a2V5",
            "mimetype": "image/jpeg",
            "fileEncSHA256": "ZW5j",
            "fileSHA256": "c2hh",
            "fileLength": size,
            "caption": caption,
        }
    }
