"""The state table, pair by pair."""

import itertools

import pytest

from subscriptions.states import TRANSITIONS, SubscriptionStatus

S = SubscriptionStatus
LEGAL = {(S.ACTIVE, S.EXPIRED), (S.EXPIRED, S.ACTIVE)}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(S, repeat=2)))
def test_a_subscription_only_lapses_and_comes_back(old, new):
    assert (new in TRANSITIONS[old]) is ((old, new) in LEGAL)
