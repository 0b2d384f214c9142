"""The state table, pair by pair."""

import itertools

import pytest

from billing.states import TRANSITIONS, PaymentStatus, sources_of

S = PaymentStatus
LEGAL = {(S.PENDING, S.SUCCEEDED), (S.PENDING, S.FAILED), (S.FAILED, S.SUCCEEDED)}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(S, repeat=2)))
def test_a_payment_moves_only_toward_money_that_moved(old, new):
    assert (new in TRANSITIONS[old]) is ((old, new) in LEGAL)
    assert (old in sources_of(new)) is ((old, new) in LEGAL)
