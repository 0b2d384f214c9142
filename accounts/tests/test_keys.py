"""The text of a credential: it reads back, and one wrong character is noticed."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import keys

TYPES = st.sampled_from(list(keys.KeyType))
CHARACTERS = st.sampled_from(string.ascii_letters + string.digits + "_-. \x00é")


@given(TYPES)
def test_a_key_reads_back_as_it_was_minted(type_):
    key = keys.mint(type_)

    assert keys.parse(key.render()) == key


@given(TYPES, st.data())
def test_any_one_wrong_character_is_noticed(type_, data):
    text = keys.mint(type_).render()
    place = data.draw(st.integers(0, len(text) - 1))
    wrong = data.draw(CHARACTERS.filter(lambda character: character != text[place]))

    with pytest.raises(keys.MalformedKey):
        keys.parse(text[:place] + wrong + text[place + 1 :])


@given(TYPES, st.data())
def test_two_swapped_neighbors_are_noticed(type_, data):
    text = keys.mint(type_).render()
    place = data.draw(
        st.integers(4, len(text) - 2).filter(lambda index: text[index] != text[index + 1])
    )
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]

    with pytest.raises(keys.MalformedKey):
        keys.parse(swapped)


@given(st.text())
def test_any_other_text_is_malformed_and_nothing_worse(text):
    with pytest.raises(keys.MalformedKey):
        keys.parse(text)


@pytest.mark.parametrize("foreign", ["\x00", "\ud800", "é", "_", "\u212a"])
def test_a_foreign_character_is_refused_even_with_a_matching_checksum(foreign):
    body = f"ork_{foreign * 12}_{'a' * 43}"
    try:
        text = body + keys._checksum(body)
    except UnicodeEncodeError:
        text = body + "000000"

    with pytest.raises(keys.MalformedKey):
        keys.parse(text)


def test_a_huge_text_is_malformed():
    with pytest.raises(keys.MalformedKey):
        keys.parse("ork_" + "a" * 1_000_000)


def test_the_mask_shows_the_key_id_and_the_last_four_characters_only():
    key = keys.mint(keys.KeyType.API_KEY)

    masked = keys.mask(type_=key.type, key_id=key.key_id, hint=key.hint)

    assert masked == f"ork_{key.key_id}_••••{key.render()[-4:]}"
    assert key.secret not in masked


def test_a_key_does_not_show_its_secret_in_a_traceback():
    key = keys.mint(keys.KeyType.API_KEY)

    assert key.secret not in repr(key)
