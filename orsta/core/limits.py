"""How often somebody may do something: counters in Redis, moved by one atomic script.

A window begins with the first call and ends all at once, so what a client reads in the
`RateLimit` headers is exact; two windows side by side may hold twice the limit. Redis expires
the counters: nothing has to be swept, and losing them forgives everybody.
"""

import contextlib
import functools
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings

from orsta.core import errors, redis_client
from orsta.core.circuits import CircuitOpen

logger = logging.getLogger(__name__)
PREFIX = "orsta:limit:"
NO_ADDRESS = "local"  # the subject of a caller over a Unix socket
_MILLISECONDS = 1000

# Per key: how much it may hold, for how long (ms), the block (ms), and the cost of this call.
# A key that blocks holds -1 and counts refused calls too; the others only what all let pass.
_SCRIPT = """
local function charge(key, cost, window)
    local used = redis.call('INCRBY', key, cost)
    if used == cost then redis.call('PEXPIRE', key, window) end
    return used
end

local rows, open = {}, true
for i, key in ipairs(KEYS) do
    local at = (i - 1) * 4
    local limit, window = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local block, cost = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
    local used = tonumber(redis.call('GET', key) or '0')
    local fits = used >= 0 and used + cost <= limit
    if block > 0 and used >= 0 then
        used = charge(key, cost, window)
        if not fits then
            used = -1
            redis.call('SET', key, used, 'PX', block)
        end
    end
    rows[i] = {fits and 1 or 0, used}
    open = open and fits
end
for i, key in ipairs(KEYS) do
    local at = (i - 1) * 4
    if open and tonumber(ARGV[at + 3]) == 0 then
        rows[i][2] = charge(key, tonumber(ARGV[at + 4]), ARGV[at + 2])
    end
    rows[i][3] = redis.call('PTTL', key)
end
return rows
"""


class LimiterAway(errors.Unavailable):
    """Attempts cannot be counted right now, so none is allowed; ask again in a moment."""

    code = "limiter_away"


class SpamBlocked(errors.LimitReached):
    """So many requests came at once that this credential is blocked for some minutes."""

    code = "spam_blocked"


@dataclass(frozen=True, slots=True)
class Policy:
    """`limit` calls in `window_seconds`.

    :param block_seconds: how long nothing is allowed after one call too many; 0 is until the
        window ends. Such a policy counts refused calls too.
    """

    name: str
    limit: int
    window_seconds: int
    block_seconds: int = 0

    @property
    def is_closed(self) -> bool:
        """Say whether nothing is allowed while Redis is away: guesses must be counted."""
        return self.name in settings.ORSTA_CLOSED_LIMITS


@dataclass(frozen=True, slots=True)
class Bucket:
    """What one subject used up of one policy."""

    policy: Policy
    subject: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left after a call; `reset_seconds` until all of it is there again."""

    policy: Policy
    allowed: bool
    remaining: int
    reset_seconds: int
    blocked: bool

    @property
    def limit(self) -> int:
        """Return how much the window holds."""
        return self.policy.limit


def policy_of(name: str) -> Policy:
    """Return a policy of `settings.ORSTA_LIMITS`: "limit/seconds" or "limit/seconds/block".

    :raises KeyError: there is none of this name.
    """
    return _parse(name, settings.ORSTA_LIMITS[name])


@functools.cache
def _parse(name: str, text: str) -> Policy:
    return Policy(name, *(int(part) for part in text.split("/")))


def hit(policy: Policy, subject: str, *, cost: int = 1) -> Outcome:
    """Count one call.

    :raises LimiterAway: Redis does not answer.
    """
    return hit_all([Bucket(policy, subject)], cost=cost)[0]


def hit_all(buckets: Sequence[Bucket], *, cost: int = 1) -> list[Outcome]:
    """Count one call in every bucket, or in none that does not block if any is full.

    :raises LimiterAway: Redis does not answer.
    """
    keys = [f"{PREFIX}{bucket.policy.name}:{bucket.subject}" for bucket in buckets]
    arguments = [
        number
        for policy in (bucket.policy for bucket in buckets)
        for number in (
            policy.limit,
            policy.window_seconds * _MILLISECONDS,
            policy.block_seconds * _MILLISECONDS,
            cost,
        )
    ]
    patient = any(bucket.policy.is_closed for bucket in buckets)
    rows = _ask(
        lambda client: client.register_script(_SCRIPT)(keys=keys, args=arguments),
        patient=patient,
    )
    return [_outcome(bucket.policy, *row) for bucket, row in zip(buckets, rows, strict=True)]


def _outcome(policy: Policy, fits: int, used: int, milliseconds: int) -> Outcome:
    blocked = used < 0
    return Outcome(
        policy=policy,
        allowed=bool(fits),
        remaining=0 if blocked else max(0, policy.limit - used),
        # Below 0 there is no counter: nothing was used.
        reset_seconds=max(0, math.ceil(milliseconds / _MILLISECONDS)),
        blocked=blocked,
    )


def check(name: str, subject: str) -> None:
    """Count one attempt, or refuse it.

    :param subject: whose; never an e-mail address or another secret in the clear.
    :raises LimitReached: there were too many; `retry_after` says when there is room again.
    :raises LimiterAway: Redis is away, and the policy is closed then; others let pass.
    """
    policy = policy_of(name)
    try:
        outcome = hit(policy, subject)
    except LimiterAway:
        if policy.is_closed:
            raise
    else:
        require([outcome])


def require(outcomes: Sequence[Outcome]) -> None:
    """Let pass what every bucket allowed.

    :raises SpamBlocked: one of them blocks its subject.
    :raises LimitReached: one of them is full.
    """
    refused = [outcome for outcome in outcomes if not outcome.allowed]
    if not refused:
        return
    seconds = max(1, *(outcome.reset_seconds for outcome in refused))
    if any(outcome.blocked for outcome in refused):
        raise SpamBlocked(
            f"Spam detected: blocked for {_words(seconds)}. Please slow down.",
            retry_after=seconds,
        )
    raise errors.LimitReached(
        f"Rate limit exceeded. Please try again in {_words(seconds)}.", retry_after=seconds
    )


def _words(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    if minutes > 1:
        return f"{minutes} minutes"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def forget(name: str, subject: str) -> None:
    """Start over, after a success; a Redis that is away forgets in its own time."""
    try:
        _ask(lambda client: client.delete(f"{PREFIX}{name}:{subject}"))
    except LimiterAway:
        return


def _ask(question: Callable[[redis.Redis], Any], *, patient: bool = False) -> Any:
    """Ask Redis; a patient caller asks although it did not answer a moment ago."""
    guard = contextlib.nullcontext() if patient else redis_client.circuit
    try:
        with guard:
            return question(redis_client.client())
    except CircuitOpen as error:
        raise _away() from error
    except redis.RedisError as error:
        logger.warning("Limiter unreachable", extra={"reason": str(error)})
        raise _away() from error


def _away() -> LimiterAway:
    return LimiterAway("The service is busy; try again.", retry_after=2)
