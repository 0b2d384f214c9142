"""Integers inside, decimals at the edge, nothing lost in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import money

CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD"])
# A float holds 15 digits exactly; more money than that no price has.
AMOUNTS = st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1)


@given(minor=AMOUNTS, currency=CURRENCIES)
def test_b4_an_amount_survives_the_trip_to_major_units_and_back(minor, currency):
    assert money.to_minor(money.to_major(minor, currency), currency) == minor


@given(minor=st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1), currency=CURRENCIES)
def test_what_people_read_holds_every_unit(minor, currency):
    text, _, code = money.render(minor, currency).partition(" ")

    assert code == currency
    assert money.to_minor(text.replace(",", ""), currency) == minor


@given(value=st.one_of(st.floats(), st.text(), st.binary(), st.booleans(), st.none()))
def test_whatever_comes_in_is_an_exact_amount_or_refused(value):
    try:
        minor = money.to_minor(value, "USD")
    except money.NotAnAmount:
        return
    assert minor == float(value) * 100 or money.to_major(minor, "USD") == float(value)


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        (9.99, "USD", 999),
        ("9.99", "USD", 999),
        (10, "USD", 1000),
        (0.1, "USD", 10),
        (-5, "USD", -500),
        (100, "JPY", 100),
        (1.234, "KWD", 1234),
        (100, "ISK", 100),
        (1.234, "LYD", 1234),
        (1.2345, "CLF", 12345),
    ],
)
def test_amounts_become_minor_units(value, currency, minor):
    assert money.to_minor(value, currency) == minor


@pytest.mark.parametrize(
    "value",
    [
        9.999, "9.999", 0.1 + 0.2, float("nan"), float("inf"), "-Infinity", "sNaN", True, None,
        "", "nine", [], "1e999999999", "1e-400", 1e300, 10**30, 2**63, "0x10",
    ],
)  # fmt: skip
def test_what_is_not_an_exact_amount_is_refused(value):
    with pytest.raises(money.NotAnAmount):
        money.to_minor(value, "USD")


def test_a_fraction_of_a_yen_is_refused():
    with pytest.raises(money.NotAnAmount):
        money.to_minor("0.5", "JPY")


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (999, "USD", "9.99 USD"),
        (0, "USD", "0.00 USD"),
        (-5, "USD", "-0.05 USD"),
        (123456789, "USD", "1,234,567.89 USD"),
        (100, "JPY", "100 JPY"),
        (1, "KWD", "0.001 KWD"),
        (1500, "ISK", "1,500 ISK"),
        (1, "UYW", "0.0001 UYW"),
    ],
)
def test_amounts_are_written_for_people(minor, currency, text):
    assert money.render(minor, currency) == text
