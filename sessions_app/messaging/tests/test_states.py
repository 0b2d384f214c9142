"""A message's life only goes forward."""

import pytest

from sessions_app.messaging.states import TRANSITIONS, MessageStatus, sources_of

S = MessageStatus


def test_every_status_is_in_the_table():
    assert set(TRANSITIONS) == set(S)


@pytest.mark.parametrize("status", S)
def test_no_status_follows_itself(status):
    assert status not in TRANSITIONS[status]


@pytest.mark.parametrize("status", [S.READ, S.RECEIVED])
def test_nothing_follows_the_end(status):
    assert TRANSITIONS[status] == frozenset()


def test_no_way_leads_back_to_where_it_came_from():
    def reachable(status):
        return set(TRANSITIONS[status]).union(*map(reachable, TRANSITIONS[status]))

    assert [status for status in S if status in reachable(status)] == []


def test_the_sources_are_the_table_read_backwards():
    for new in S:
        assert set(sources_of(new)) == {old for old in S if new in TRANSITIONS[old]}
