"""Views whose calls are counted, and whose every answer says what is left.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (version 10)
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orsta.core import errors, limits
from orsta.core.api.addresses import client_address

POLICY_HEADER = "RateLimit-Policy"
HEADER = "RateLimit"
REFUSED_ADDRESS = "refused_address"  # the policy that bad credentials count in
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_REFUSED = (
    errors.Unauthenticated,
    errors.Denied,
    exceptions.NotAuthenticated,
    exceptions.AuthenticationFailed,
)


class ThrottledView(APIView):
    """Counts a call once it is known who calls, before it is known what they may do.

    Bad credentials count against their address, and a good one from there still passes: a
    neighbor who guesses locks nobody out. While Redis is away nothing is counted.
    """

    # Of methods that are not what they look like; the others read or write.
    route_class: ClassVar[dict[str, str]] = {}
    _outcomes: Sequence[limits.Outcome] = ()

    def buckets(self, request: Request) -> list[limits.Bucket]:
        """Return what this call counts in; none leaves it uncounted."""
        raise NotImplementedError

    def class_of(self, request: Request) -> str:
        """Return the class of the operation: read, write or send."""
        method = str(request.method)
        return self.route_class.get(method, "read" if method in _READS else "write")

    def perform_authentication(self, request: Request) -> None:
        """Find out who calls, and count it.

        :raises LimitReached: they called too often.
        """
        super().perform_authentication(request)
        self._charge(self.buckets(request))

    def handle_exception(self, exc: Exception) -> Response:
        """Count a credential that opened nothing; once there are too many, say so instead."""
        if isinstance(exc, _REFUSED) and not self._outcomes:
            try:
                self._charge([by_address(REFUSED_ADDRESS, self.request)])
            except errors.LimitReached as full:
                exc = full
        return super().handle_exception(exc)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Add the headers."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if self._outcomes:
            answer.headers[POLICY_HEADER] = ", ".join(map(_policy, self._outcomes))
            answer.headers[HEADER] = ", ".join(map(_state, self._outcomes))
        return answer

    def _charge(self, buckets: list[limits.Bucket]) -> None:
        if not buckets:
            return
        try:
            self._outcomes = limits.hit_all(buckets)
        except limits.LimiterAway:
            return
        limits.require(self._outcomes)


def by_address(policy: str, request: Request) -> limits.Bucket:
    """Return the bucket of whoever calls from the request's address."""
    return limits.Bucket(limits.policy_of(policy), client_address(request) or limits.NO_ADDRESS)


def _policy(outcome: limits.Outcome) -> str:
    policy = outcome.policy
    return f'"{policy.name}";q={policy.limit};w={policy.window_seconds}'


def _state(outcome: limits.Outcome) -> str:
    return f'"{outcome.policy.name}";r={outcome.remaining};t={outcome.reset_seconds}'
