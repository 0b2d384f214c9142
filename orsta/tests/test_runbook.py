"""The runbook has a section for whatever the admin shows of a session."""

from itertools import pairwise

import pytest

from orsta import runbook
from sessions_app import failures
from sessions_app.states import Hold, SessionStatus

NAMES = [*SessionStatus.values, *Hold.values, *sorted(failures.NAMES)]


@pytest.mark.parametrize("name", NAMES)
def test_the_runbook_tells_of(name):
    anchors = [block.anchor for block in runbook.blocks() if block.anchor]

    assert anchors.count(name.lower()) == 1


def test_a_section_says_more_than_its_name():
    kinds = [block.kind for block in runbook.blocks()]

    for kind, following in pairwise([*kinds, "h2"]):
        assert not (kind == "h2" and following == "h2")


def test_what_stands_right_below_a_heading_is_not_lost():
    text = "# Title\nBelow it.\n\n## `code`\n- one\n  long\n- two\n\n\nThe **end**: *Settle*.\n"

    assert [(block.kind, block.lines) for block in runbook._parse(text)] == [
        ("h1", ["Title"]),
        ("p", ["Below it."]),
        ("h2", ["<code>code</code>"]),
        ("ul", ["one long", "two"]),
        ("p", ["The <strong>end</strong>: <em>Settle</em>."]),
    ]


def test_the_page_opens(client):
    page = client.get("/docs/runbook").content.decode()

    assert '<h2 id="passkey_required">PASSKEY_REQUIRED</h2>' in page
    assert "<strong>logout</strong>" in page
    assert "<em>Settle</em>" in page
    assert "*" not in page.partition("<main")[2]
