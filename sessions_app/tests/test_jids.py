"""JIDs and phone numbers, in every spelling that people and engines use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions_app import jids
from sessions_app.jids import InvalidRecipient

PHONES = [
    ("+15550100123", "15550100123"),
    ("15550100123", "15550100123"),
    ("  +1 555 010 0123 ", "15550100123"),
    ("+1 (555) 010-0123", "15550100123"),
    ("1.555.010.0123", "15550100123"),
    ("+1\u00a0555\u2011010\u20110123", "15550100123"),
    ("+55 11 91234-5678", "5511912345678"),
    ("+62 812-3456-7890", "6281234567890"),
    ("+49 (0)30 901820", "4930901820"),
    ("+44 (0)20 7946 0958", "442079460958"),
    ("+39 06 698 1234", "39066981234"),
    ("+91/98765/43210", "919876543210"),
    ("+852 2123 4567", "85221234567"),
]

NOT_PHONES = [
    "",
    "   ",
    "+",
    "555",
    "5550100",
    "+1 5550100",
    "020 7946 0958",
    "0044 20 7946 0958",
    "+999 123 456 789",
    "+1 555 010 01234567890",
    "++15550100123",
    "+1 555 010 0123 ext. 4",
    "1-800-FLOWERS",
    "+1 555 010 0123; DROP TABLE",
    "+1555010\x000123",
    "\u0661\u0665\u0665\u0665\u0660\u0661\u0660\u0660\u0661\u0662\u0663",
    "1" * 500,
]

JIDS = [
    ("15550100123@s.whatsapp.net", "15550100123@s.whatsapp.net"),
    ("15550100123:7@s.whatsapp.net", "15550100123@s.whatsapp.net"),
    ("15550100123_1:7@s.whatsapp.net", "15550100123@s.whatsapp.net"),
    ("15550100123.0:7@s.whatsapp.net", "15550100123@s.whatsapp.net"),
    ("15550100123_1@s.whatsapp.net", "15550100123@s.whatsapp.net"),
    ("15550100123@c.us", "15550100123@s.whatsapp.net"),
    ("15550100123:2@C.US", "15550100123@s.whatsapp.net"),
    (" 15550100123@S.WhatsApp.Net ", "15550100123@s.whatsapp.net"),
    ("123456789012345:9@lid", "123456789012345@lid"),
    ("123456789012345_1:9@LID", "123456789012345@lid"),
    ("15550100123:99@hosted", "15550100123@hosted"),
    ("123456789012345:99@hosted.lid", "123456789012345@hosted.lid"),
    ("120363025246125486@g.us", "120363025246125486@g.us"),
    ("15550100123-1612345678@g.us", "15550100123-1612345678@g.us"),
    ("120363144038483540@newsletter", "120363144038483540@newsletter"),
    ("status@broadcast", "status@broadcast"),
    ("867051314767696@bot", "867051314767696@bot"),
    ("A1B2C3D4@call", "A1B2C3D4@call"),
]

NOT_JIDS = [
    "",
    "@",
    "@s.whatsapp.net",
    "15550100123",
    "15550100123@",
    "15550100123@example.com",
    "15550100123@msgr",
    "+15550100123@s.whatsapp.net",
    "alice@s.whatsapp.net",
    "1555@0100123@s.whatsapp.net",
    "15550100123:@s.whatsapp.net",
    "15550100123:x@s.whatsapp.net",
    "-1612345678@g.us",
    "15550100123 @s.whatsapp.net",
    "15550100123\x00@s.whatsapp.net",
    "\u0661\u0665@lid",
    "9" * 200 + "@lid",
]


@pytest.mark.parametrize(("written", "digits"), PHONES)
def test_a_phone_number_becomes_a_jid_however_it_is_written(written, digits):
    assert jids.from_phone(written) == f"{digits}@s.whatsapp.net"


# What somebody in a country may mean: country, as written, digits.
NATIONAL = [
    ("DE", "0171 2345678", "491712345678"),
    ("DE", "171 2345678", "491712345678"),
    ("DE", "(030) 901820", "4930901820"),
    ("de", "030 901820", "4930901820"),
    ("GB", "020 7946 0958", "442079460958"),
    ("GB", "0044 20 7946 0958", "442079460958"),
    ("US", "011 49 30 901820", "4930901820"),
    ("US", "(212) 736-5000", "12127365000"),
    ("ID", "0812-3456-7890", "6281234567890"),
    ("BR", "11 91234-5678", "5511912345678"),
    ("IT", "06 698 1234", "39066981234"),
    # A number that is in use with its country code is that number, wherever it is written.
    ("DE", "4930901820", "4930901820"),
    ("DE", "15123456789", "15123456789"),
    ("DE", "442079460958", "442079460958"),
    ("US", "6281234567890", "6281234567890"),
    # With a plus there is nothing to complete.
    ("DE", "+12127365000", "12127365000"),
    ("DE", "+15550100123", "15550100123"),
    # In use nowhere, but long enough for its country code.
    ("GB", "15550100123", "15550100123"),
]


@pytest.mark.parametrize(("country", "written", "digits"), NATIONAL)
def test_a_country_completes_numbers_that_lack_their_code(country, written, digits):
    assert jids.from_phone(written, country) == f"{digits}@s.whatsapp.net"
    assert jids.parse_recipient(written, country) == f"{digits}@s.whatsapp.net"


@pytest.mark.parametrize("written", ["0171 2345678", "020 7946 0958", "030 901820"])
def test_without_a_country_a_number_needs_its_code(written):
    with pytest.raises(InvalidRecipient):
        jids.from_phone(written)


@pytest.mark.parametrize("written", ["", "999", "+0171 2345678", "0171", "alice"])
def test_a_country_makes_no_number_of_what_is_none(written):
    with pytest.raises(InvalidRecipient):
        jids.from_phone(written, "DE")


def test_a_country_says_nothing_about_a_lid():
    assert jids.parse_recipient("491712345678@lid", "DE") == "491712345678@lid"
    assert jids.phone_of("491712345678@lid") == ""


@pytest.mark.parametrize("written", NOT_PHONES)
def test_what_can_not_be_a_phone_number_is_refused_with_advice(written):
    with pytest.raises(InvalidRecipient, match=r"with its country code, like \+1"):
        jids.from_phone(written)


@pytest.mark.parametrize(("written", "normal"), JIDS)
def test_a_jid_loses_its_device_and_gets_its_servers_current_name(written, normal):
    assert jids.normalize(written) == normal


@pytest.mark.parametrize("written", NOT_JIDS)
def test_what_is_no_jid_is_refused(written):
    with pytest.raises(InvalidRecipient):
        jids.normalize(written)


@pytest.mark.parametrize(
    ("written", "recipient"),
    [
        ("+1 555 010 0123", "15550100123@s.whatsapp.net"),
        ("15550100123@c.us", "15550100123@s.whatsapp.net"),
        ("123456789012345:9@lid", "123456789012345@lid"),
        ("120363025246125486@g.us", "120363025246125486@g.us"),
        ("120363144038483540@newsletter", "120363144038483540@newsletter"),
    ],
)
def test_a_recipient_is_a_phone_number_or_a_jid(written, recipient):
    assert jids.parse_recipient(written) == recipient


@pytest.mark.parametrize(
    "written", ["status@broadcast", "A1B2@call", "867051314767696@bot", "15550100123@hosted"]
)
def test_nobody_can_send_to_a_status_a_call_or_a_bot(written):
    with pytest.raises(InvalidRecipient, match="Give a person, a group or a channel"):
        jids.parse_recipient(written)


@pytest.mark.parametrize("written", ["", "alice", "alice@example.com", "5550100"])
def test_a_recipient_that_is_neither_is_refused(written):
    with pytest.raises(InvalidRecipient):
        jids.parse_recipient(written)


@pytest.mark.parametrize(
    ("jid", "phone"),
    [
        ("15550100123@s.whatsapp.net", "15550100123"),
        ("123456789012345@lid", ""),
        ("15550100123-1612345678@g.us", ""),
        ("status@broadcast", ""),
    ],
)
def test_only_a_phone_numbers_jid_contains_a_phone_number(jid, phone):
    assert jids.phone_of(jid) == phone


USERS = st.one_of(
    st.from_regex(r"[0-9]{1,20}([._][0-9])?(:[0-9]{1,2})?", fullmatch=True),
    st.text(max_size=20),
)
SERVERS = st.sampled_from(["c.us", "C.us", *sorted(jids.SERVERS), "example.com"])


@given(user=USERS, server=SERVERS)
def test_normalizing_twice_changes_nothing(user, server):
    try:
        once = jids.normalize(f"{user}@{server}")
    except InvalidRecipient:
        return

    assert jids.normalize(once) == once


@given(st.text(max_size=40))
def test_any_text_is_a_recipient_or_refused(text):
    try:
        recipient = jids.parse_recipient(text)
    except InvalidRecipient:
        return

    assert jids.normalize(recipient) == recipient
