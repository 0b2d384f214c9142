"""Integers inside, decimals only at the API's edge."""

from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow

# ISO 4217: currencies whose minor unit is not a hundredth, all of them.
_EXPONENTS = {"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0,
              "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0,
              "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
              "CLF": 4, "UYW": 4}  # fmt: skip
_MAX_MINOR = 2**63 - 1  # what a bigint column holds
# Digits that do not fit are an error, never rounded away.
_EXACT = Context(prec=40, traps=[InvalidOperation, Inexact, Overflow])


class NotAnAmount(ValueError):
    """Not a finite amount with as many decimals as the currency has."""


def exponent(currency: str) -> int:
    """Return how many decimals the currency has."""
    return _EXPONENTS.get(currency, 2)


def to_minor(value: object, currency: str) -> int:
    """Return the amount in the minor unit: ("9.99", "USD") -> 999.

    :raises NotAnAmount: it is not a number, not finite, finer than the minor unit, or too
        large to store.
    """
    try:
        scaled = _EXACT.scaleb(_EXACT.create_decimal(str(value)), exponent(currency))
    except (DecimalException, ValueError) as error:
        raise NotAnAmount(str(value)[:40]) from error
    if not scaled.is_finite() or abs(scaled) > _MAX_MINOR or scaled % 1:
        raise NotAnAmount(str(value)[:40])
    return int(scaled)


def to_major(minor: int, currency: str) -> float:
    """Return the amount as the API shows it: (999, "USD") -> 9.99."""
    return float(_decimal(minor, currency))


def render(minor: int, currency: str) -> str:
    """Return the amount for people: (999, "USD") -> "9.99 USD"."""
    return f"{_decimal(minor, currency):,} {currency}"


def _decimal(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-exponent(currency))
