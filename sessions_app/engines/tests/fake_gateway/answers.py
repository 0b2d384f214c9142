"""How the fake gateway answers: enveloped or bare, in two casings, and wrongly on purpose."""

from __future__ import annotations

import json
from dataclasses import dataclass


class Refused(Exception):
    """An answer that is not good."""

    def __init__(self, status, text, details=""):
        super().__init__(text)
        self.status = status
        self.text = text
        self.details = details


@dataclass
class Answer:
    """A good answer."""

    data: object
    status: int = 200
    bare: bool = False  # without the envelope


@dataclass
class Fault:
    """What goes wrong with the next calls to a path.

    `kind`: "slow" (answers after `seconds`), "error" (`status` and `text`), "drop" (closes in
    the middle of the answer), "late_drop" (does it, then closes without an answer), "huge" (an
    answer of `size` bytes), "redirect" (to `location`), "html" (no JSON).
    """

    path: str
    kind: str
    times: int = 1
    status: int = 503
    text: str = "unavailable"
    seconds: float = 0.0
    size: int = 0
    location: str = ""


def body_of(answer):
    if answer.bare:
        return json.dumps(answer.data).encode()
    envelope = {"code": answer.status, "data": answer.data, "success": True}
    return json.dumps(envelope).encode()


def body_of_refusal(refused):
    envelope = {"code": refused.status, "error": refused.text, "success": False}
    if refused.details:
        envelope["details"] = refused.details
    return json.dumps(envelope).encode()
