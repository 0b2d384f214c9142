"""Any story of payments, staff, time and use: the rows agree with a simple model of it."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.tests.factories import make_tenant
from orsta.core import errors
from orsta.core.outbox.models import OutboxEvent
from subscriptions import selectors
from subscriptions.models import Feature, QuotaUsage, Subscription, SubscriptionTransition
from subscriptions.services import lifecycle, quotas
from subscriptions.states import RUNNING, SubscriptionStatus, allows
from subscriptions.tests.factories import make_plan

S = SubscriptionStatus
PERIOD, GRACE = timedelta(days=10), timedelta(days=2)
SESSIONS, MESSAGES = 3, 20
BY_STAFF = {"actor": "usr_staff", "reason": "Story"}


class Story(RuleBasedStateMachine):
    """The model: until when it is paid, whether staff stopped it, what is used."""

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.tenant = make_tenant()
        self.plan = make_plan(
            period_days=PERIOD.days, grace_days=GRACE.days, SESSIONS=SESSIONS, MESSAGES=MESSAGES
        )
        self.now = timezone.now()
        self.ends_at = self.now - GRACE  # as good as never paid
        self.period_at = self.now
        self.begun = self.suspended = self.cancelled = False
        self.sessions = 0
        self.messages: dict[object, int] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    @property
    def runs(self) -> bool:
        grace = timedelta(0) if self.cancelled else GRACE
        return self.begun and not self.suspended and self.now < self.ends_at + grace

    def _settle(self) -> None:
        """Let the model know what time has done."""
        if self.runs:
            while self.now >= self.period_at + PERIOD:
                self.period_at += PERIOD

    def _refused_unless(self, allowed: bool, call) -> None:
        try:
            with transaction.atomic():
                call(tenant=self.tenant, now=self.now, **BY_STAFF)
        except errors.Conflict:
            assert not allowed
        else:
            assert allowed

    @rule(hours=st.sampled_from([1, 30, 24 * 6, 24 * 10, 24 * 13]), sends=st.integers(1, 5))
    def programs_send_and_time_passes(self, hours: int, sends: int) -> None:
        self._send(sends)
        self._settle()
        was_running = self.runs
        self.now += timedelta(hours=hours)
        if was_running and not self.runs:
            self.cancelled = False
        self._settle()
        self._send(sends)

    @initialize(times=st.integers(2, 4))
    def somebody_paid_before(self, times: int) -> None:
        for _ in range(times):
            self._pay()

    @rule(times=st.integers(1, 3))
    def somebody_pays(self, times: int) -> None:
        for _ in range(times):
            self._pay()

    def _pay(self) -> None:
        if self.suspended:
            self.ends_at = max(self.ends_at, self.now) + PERIOD
        elif self.runs:
            renewed = self.ends_at + PERIOD
            self.ends_at = renewed if renewed > self.now else self.now + PERIOD
            self.cancelled = False
        else:
            self.ends_at, self.period_at = self.now + PERIOD, self.now
            self.begun, self.cancelled = True, False
        lifecycle.activate(tenant=self.tenant, plan=self.plan, now=self.now)

    @rule(action=st.sampled_from(["suspend", "resume", "resume", "cancel", "expire"]))
    def staff_act(self, action: str) -> None:
        getattr(self, f"_{action}")()

    def _suspend(self) -> None:
        self._refused_unless(self.runs, lifecycle.suspend)
        self.suspended = self.suspended or self.runs

    def _resume(self) -> None:
        self._refused_unless(self.suspended, lifecycle.resume)
        self.suspended = False
        self._settle()
        if not self.runs:
            self.cancelled = False

    def _cancel(self) -> None:
        if self.runs and self.now < self.ends_at:
            lifecycle.cancel(tenant=self.tenant, at_end=True, now=self.now, **BY_STAFF)
            self.cancelled = True

    def _expire(self) -> None:
        allowed = self.runs or self.suspended
        self._refused_unless(allowed, lifecycle.expire)
        if allowed:
            self.ends_at = min(self.ends_at, self.now) - GRACE
            self.suspended = self.cancelled = False

    @rule()
    def the_job_runs(self) -> None:
        lifecycle.advance(now=self.now)
        assert lifecycle.advance(now=self.now) == 0

    @rule(amount=st.integers(1, 8))
    def a_program_sends(self, amount: int) -> None:
        self._send(amount)

    def _send(self, amount: int) -> None:
        used = self.messages.get(self.period_at, 0)
        fits = self.runs and used + amount <= MESSAGES
        self._reserve(Feature.MESSAGES, amount, fits=fits)
        if fits:
            self.messages[self.period_at] = used + amount

    @precondition(lambda self: any(self.messages.values()))
    @rule(data=st.data())
    def a_send_of_any_period_fails(self, data: st.DataObject) -> None:
        taken_at = data.draw(
            st.sampled_from([at for at, used in self.messages.items() if used])
        )
        quotas.give_back(
            tenant=self.tenant, feature=Feature.MESSAGES, amount=1, taken_at=taken_at
        )
        self.messages[taken_at] -= 1

    @rule()
    def a_session_is_made(self) -> None:
        fits = self.runs and self.sessions < SESSIONS
        self._reserve(Feature.SESSIONS, 1, fits=fits)
        self.sessions += fits

    @precondition(lambda self: self.sessions > 0)
    @rule()
    def a_session_is_deleted(self) -> None:
        quotas.give_back(tenant=self.tenant, feature=Feature.SESSIONS, amount=1, taken_at=None)
        self.sessions -= 1

    def _reserve(self, feature: Feature, amount: int, *, fits: bool) -> None:
        try:
            with transaction.atomic():
                quotas.reserve(tenant=self.tenant, feature=feature, amount=amount, now=self.now)
        except quotas.QuotaExceeded:
            assert not fits
        else:
            assert fits

    @invariant()
    def entitlements_are_the_models(self) -> None:
        found = selectors.entitlements_for(tenant=self.tenant, now=self.now)

        assert found.active == self.runs
        assert found.limit(Feature.SESSIONS) == (SESSIONS if self.runs else 0)
        if self.runs:
            assert found.period_starts_at == self.period_at
            assert found.ends_at == self.ends_at

    @invariant()
    def counts_are_the_models(self) -> None:
        rows = QuotaUsage.objects.for_tenant(self.tenant)
        counts = {(row.feature, row.period_starts_at): row.used for row in rows if row.used > 0}
        gauges = [used for (name, _), used in counts.items() if name == Feature.SESSIONS]
        metered = {at: used for (name, at), used in counts.items() if name == Feature.MESSAGES}

        assert sum(gauges) == self.sessions
        assert metered == {at: used for at, used in self.messages.items() if used}

    @invariant()
    def the_history_is_a_legal_path_to_the_present(self) -> None:
        steps = SubscriptionTransition.objects.filter(subscription__tenant=self.tenant)
        path = list(steps.order_by("pk").values_list("old", "new"))

        for old, new in path[1:]:
            assert old == new or allows(S(old), S(new))
        assert [new for _, new in path[:-1]] == [old for old, _ in path[1:]]
        if path:
            assert Subscription.objects.for_tenant(self.tenant).get().status == path[-1][1]

    @invariant()
    def nobody_is_told_twice(self) -> None:
        """Whoever stops and starts sessions sees each start once and each end once."""
        names = OutboxEvent.objects.filter(tenant_id=self.tenant.pk).order_by("pk")
        runs = False
        for name, payload in names.values_list("name", "payload"):
            if name == "subscription.activated":
                assert not runs
            if name.startswith("subscription."):
                runs = payload["status"] in RUNNING


@pytest.mark.django_db
def test_any_story_of_a_subscription_ends_as_the_model_says():
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],  # a long story is found in seconds and shrunk in minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
