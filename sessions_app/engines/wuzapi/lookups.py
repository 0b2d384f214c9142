"""What a session can look up through its gateway: people, numbers, files."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from sessions_app import jids
from sessions_app.engines.answers import NumberCheck
from sessions_app.engines.base import EngineError
from sessions_app.engines.events import ContactEntry
from sessions_app.engines.wuzapi import errors
from sessions_app.engines.wuzapi import json as read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sessions_app.engines.wuzapi.session import SessionCalls

_DOWNLOADS = frozenset({"image", "video", "audio", "document", "sticker"})
_FILE_PATIENCE = 6.0  # times the usual time-out
_ANSWER_OVERHEAD = 64 * 1024  # bytes of JSON around a file
_REFERENCE = (
    "Url", "DirectPath", "MediaKey", "Mimetype", "FileEncSHA256", "FileSHA256", "FileLength",
)  # fmt: skip


class Lookups:
    """Asks the gateway. Every method may raise `EngineError`."""

    def __init__(self, calls: SessionCalls) -> None:
        self._calls = calls

    async def contacts(self) -> list[ContactEntry]:
        """Return the address book, each JID once."""
        answer = await self._calls.ask("GET", "/user/contacts")
        found: dict[str, ContactEntry] = {}
        for jid, person in _people(answer):
            found.setdefault(jid, _entry(jid, person))
        return list(found.values())

    async def numbers(self, phones: Sequence[str]) -> list[NumberCheck]:
        """Return who has WhatsApp, in the order of the question."""
        answer = await self._calls.ask("POST", "/user/check", {"Phone": list(phones)})
        users = {
            read.text(user, "Query").lstrip("+").partition("@")[0]: user
            for user in read.items(answer, "Users")
        }
        return [_check(phone, users.get(phone)) for phone in phones]

    async def file(self, reference: dict[str, Any], *, max_bytes: int) -> bytes:
        """Return a file's bytes.

        :raises EngineError: it is larger, or WhatsApp has it no longer (code "media_gone").
        """
        kind = read.text(reference, "download")
        if kind not in _DOWNLOADS:
            raise EngineError("This names no file.")
        if read.number(reference, "FileLength") > max_bytes:
            raise _too_large()
        body = {name: reference.get(name) for name in _REFERENCE}
        try:
            answer = await self._calls.ask(
                "POST",
                f"/chat/download{kind}",
                body,
                max_bytes=max_bytes * 4 // 3 + _ANSWER_OVERHEAD,
                patience=_FILE_PATIENCE,
            )
        except EngineError as error:
            raise _too_large() if error.code == errors.ANSWER_TOO_BIG else error from None
        return _bytes(read.text(answer, "Data"), max_bytes)


def _people(answer: Any) -> Iterator[tuple[str, Any]]:
    """Yield JID and entry, from an object by JID or from a list."""
    if isinstance(answer, dict):
        pairs = list(answer.items())
    else:
        listed = answer if isinstance(answer, list) else []
        pairs = [(read.text(person, "JID"), person) for person in listed]
    for name, person in pairs:
        if jid := read.jid({"jid": name}, "jid"):
            yield jid, person


def _entry(jid: str, person: Any) -> ContactEntry:
    names = ("FullName", "FirstName", "PushName", "BusinessName", "RedactedPhone")
    raw = {name: value for name in names if (value := read.text(person, name))}
    name = next(
        (raw[key] for key in ("FullName", "FirstName", "BusinessName") if key in raw), ""
    )
    return ContactEntry(
        jid=jid,
        name=name,
        phone=jids.phone_of(jid),
        push_name=raw.get("PushName", ""),
        raw=raw,
    )


def _check(phone: str, user: Any) -> NumberCheck:
    return NumberCheck(
        phone=phone,
        exists=read.flag(user, "IsInWhatsapp"),
        jid=read.jid(user, "LID") or read.jid(user, "JID"),
        name=read.text(user, "VerifiedName"),
    )


def _bytes(data_url: str, max_bytes: int) -> bytes:
    try:
        data = base64.b64decode(data_url.partition(",")[2], validate=True)
    except binascii.Error:
        data = b""
    if not data:
        raise EngineError("The gateway gave no file.", code="no_file")
    if len(data) > max_bytes:
        raise _too_large()
    return data


def _too_large() -> EngineError:
    return EngineError("The file is larger than allowed.", code="media_too_large")
