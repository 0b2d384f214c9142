"""Public ids: prefixed, opaque, sortable by time of creation.

The shape is ULID's (https://github.com/ulid/spec): 48 bits of milliseconds, 80 random bits,
in Crockford's base 32, lower case: `ses_01kb1z2q7m…`.
"""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 80
_LENGTH = 26
MAX_LENGTH = 32  # a prefix of up to five letters, the underscore, and the 26 characters


def make(prefix: str) -> str:
    """Return a new id such as `ses_01kb1z2q7mw4g0v9s2x8c5r6tn`."""
    value = (time.time_ns() // 1_000_000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    digits = []
    for _ in range(_LENGTH):
        value, digit = divmod(value, 32)
        digits.append(_ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(digits))}"
