"""The state table, pair by pair."""

import itertools

import pytest

from subscriptions.states import PAID_FOR, RUNNING, TRANSITIONS, SubscriptionStatus, allows

S = SubscriptionStatus
LEGAL = {
    S.TRIALING: {S.ACTIVE, S.GRACE, S.SUSPENDED, S.EXPIRED, S.CANCELLED},
    S.ACTIVE: {S.PAST_DUE, S.GRACE, S.SUSPENDED, S.EXPIRED, S.CANCELLED},
    S.PAST_DUE: {S.ACTIVE, S.GRACE, S.SUSPENDED, S.EXPIRED, S.CANCELLED},
    S.GRACE: {S.ACTIVE, S.SUSPENDED, S.EXPIRED, S.CANCELLED},
    S.SUSPENDED: {S.TRIALING, S.ACTIVE, S.PAST_DUE, S.GRACE, S.EXPIRED, S.CANCELLED},
    S.EXPIRED: {S.TRIALING, S.ACTIVE},
    S.CANCELLED: {S.TRIALING, S.ACTIVE},
}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(S, repeat=2)))
def test_only_these_steps_are_legal(old, new):
    assert allows(old, new) is (new in LEGAL[old])


def test_every_status_has_its_row():
    assert set(TRANSITIONS) == set(S)


def test_what_runs_is_paid_for_or_in_grace():
    assert {S.GRACE} == RUNNING - PAID_FOR
    assert set(S) - RUNNING == {S.SUSPENDED, S.EXPIRED, S.CANCELLED}
