"""The runbook as the site shows it: `docs/runbook.md`, which uses little of Markdown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")
_PRESSED = re.compile(r"\*([^*]+)\*")


@dataclass(frozen=True, slots=True)
class Block:
    """A heading (`h1` to `h3`, with an anchor), a paragraph (`p`) or a list (`ul`)."""

    kind: str
    lines: list[SafeString]
    anchor: str = ""


@cache
def blocks() -> list[Block]:
    """Return the runbook's parts, in order."""
    text = (settings.BASE_DIR / "docs" / "runbook.md").read_text(encoding="utf-8")
    return list(_parse(text))


def _parse(text: str) -> Iterator[Block]:
    for part in text.split("\n\n"):
        lines = part.strip().splitlines()
        if lines and lines[0].startswith("#"):
            marks, _, title = lines.pop(0).partition(" ")
            yield Block(f"h{len(marks)}", [_inline(title)], title.lower())
        if lines and lines[0].startswith("- "):
            joined = "\n".join(lines).removeprefix("- ").replace("\n  ", " ")
            yield Block("ul", [_inline(item) for item in joined.split("\n- ")])
        elif lines:
            yield Block("p", [_inline(" ".join(lines))])


def _inline(text: str) -> SafeString:
    marked = _CODE.sub(r"<code>\1</code>", escape(text))
    marked = _STRONG.sub(r"<strong>\1</strong>", marked)
    return mark_safe(_PRESSED.sub(r"<em>\1</em>", marked))  # noqa: S308 (our own file)
