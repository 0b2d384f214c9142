import logging
import time

import pytest

from orsta.core import errors, limits, redis_client
from orsta.core.limits import Bucket, Policy

THREE = Policy("three", 3, 60)
WILD = Policy("wild", 2, 10, block_seconds=600)


def forget_client():
    redis_client.client.cache_clear()


def test_a_window_holds_as_many_calls_as_the_policy_says():
    outcomes = [limits.hit(THREE, "alice") for _ in range(4)]

    assert [outcome.allowed for outcome in outcomes] == [True, True, True, False]
    assert [outcome.remaining for outcome in outcomes] == [2, 1, 0, 0]
    assert {outcome.limit for outcome in outcomes} == {3}
    assert all(59 <= outcome.reset_seconds <= 60 for outcome in outcomes)
    assert not any(outcome.blocked for outcome in outcomes)


def test_another_subject_has_a_window_of_its_own():
    for _ in range(4):
        limits.hit(THREE, "alice")

    assert limits.hit(THREE, "bob").remaining == 2


def test_a_window_that_is_over_starts_anew():
    short = Policy("short", 1, 1)
    limits.hit(short, "alice")
    assert not limits.hit(short, "alice").allowed

    time.sleep(1.1)

    assert limits.hit(short, "alice").allowed


def test_a_call_may_cost_more_than_one():
    assert limits.hit(THREE, "alice", cost=2).remaining == 1
    assert not limits.hit(THREE, "alice", cost=2).allowed
    assert limits.hit(THREE, "alice", cost=1).allowed


def test_one_call_too_many_blocks_for_the_time_of_the_block():
    outcomes = [limits.hit(WILD, "key") for _ in range(4)]

    assert [outcome.allowed for outcome in outcomes] == [True, True, False, False]
    assert [outcome.blocked for outcome in outcomes] == [False, False, True, True]
    assert 599 <= outcomes[-1].reset_seconds <= 600


def test_a_refused_call_is_counted_nowhere_but_in_what_blocks():
    one, two = Bucket(Policy("one", 1, 60), "alice"), Bucket(THREE, "alice")
    wild = Bucket(Policy("wild", 9, 10, 600), "alice")
    for _ in range(3):
        limits.hit_all([one, two, wild])

    assert limits.hit(two.policy, "alice").remaining == 1
    assert limits.hit(wild.policy, "alice").remaining == 5


def test_calls_at_once_never_get_more_than_there_is(race):
    policy = Policy("edge", 25, 60)

    outcomes = race(50, lambda: limits.hit(policy, "alice"))

    assert sum(outcome.allowed for outcome in outcomes) == 25


def test_every_counter_ends_by_itself():
    limits.hit_all([Bucket(THREE, "alice"), Bucket(WILD, "alice")])
    limits.hit_all([Bucket(WILD, "bob")] * 2)

    keys = redis_client.client().keys(f"{limits.PREFIX}*")

    assert len(keys) == 3
    assert all(0 < redis_client.client().ttl(key) <= 600 for key in keys)


def test_check_refuses_and_says_when_to_come_back(settings):
    settings.ORSTA_LIMITS = {"login_account": "2/900"}
    limits.check("login_account", "digest")
    limits.check("login_account", "digest")

    with pytest.raises(errors.LimitReached) as caught:
        limits.check("login_account", "digest")

    assert caught.value.message == "Rate limit exceeded. Please try again in 15 minutes."
    assert 899 <= caught.value.details["retry_after"] <= 900


def test_check_says_when_somebody_is_blocked(settings):
    settings.ORSTA_LIMITS = {"wild": "1/10/600"}
    limits.check("wild", "key")

    with pytest.raises(limits.SpamBlocked) as caught:
        limits.check("wild", "key")

    assert caught.value.message == "Spam detected: blocked for 10 minutes. Please slow down."


def test_a_success_forgets_the_attempts_before_it(settings):
    settings.ORSTA_LIMITS = {"login_account": "1/900"}
    limits.check("login_account", "digest")

    limits.forget("login_account", "digest")

    limits.check("login_account", "digest")


def test_a_policy_that_nobody_wrote_down_is_a_mistake():
    with pytest.raises(KeyError):
        limits.check("nonsense", "alice")


@pytest.mark.usefixtures("no_redis")
def test_b8_without_redis_nobody_gets_to_guess():
    for name in (
        "login_account",
        "login_address",
        "signup_address",
        "mail_account",
        "code_account",
    ):
        with pytest.raises(limits.LimiterAway) as caught:
            limits.check(name, "alice")
        assert caught.value.details == {"retry_after": 2}


@pytest.mark.usefixtures("no_redis")
def test_without_redis_everything_else_goes_on_and_leaves_it_alone_for_a_moment(caplog):
    caplog.set_level(logging.WARNING)

    limits.check("standard_read", "key")
    limits.check("refused_address", "192.0.2.1")
    limits.forget("login_account", "alice")

    assert caplog.messages == ["Limiter unreachable"]


def test_who_logs_in_is_not_refused_for_what_somebody_else_met_a_moment_ago(settings):
    there, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    forget_client()
    limits.check("standard_read", "key")

    settings.REDIS_URL = there
    forget_client()

    limits.check("login_account", "alice")


def test_when_redis_is_back_it_counts_again(settings):
    url = settings.REDIS_URL
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    forget_client()
    with pytest.raises(limits.LimiterAway):
        limits.hit(THREE, "alice")

    settings.REDIS_URL = url
    forget_client()
    redis_client.circuit.close()

    assert limits.hit(THREE, "alice").remaining == 2


def test_every_policy_can_be_read(settings):
    for name in settings.ORSTA_LIMITS:
        policy = limits.policy_of(name)
        assert policy.limit > 0
        assert policy.window_seconds > 0


def test_the_limits_of_the_first_service_are_the_standard(settings):
    assert limits.policy_of("standard_read") == Policy("standard_read", 120, 60)
    assert limits.policy_of("standard_spam") == Policy("standard_spam", 40, 10, 600)
