"""The sandbox keeps the contract; the registry knows the providers."""

import pytest

from billing.providers import registry
from billing.providers.base import ChargeRequest, Outcome, PaymentProvider
from billing.providers.sandbox import SandboxProvider
from billing.services import payments
from billing.tests.contract import ProviderContract


class TestSandbox(ProviderContract):
    ok = "tok_ok"
    declined = ["tok_declined", "tok_insufficient_funds", "tok_nobody_knows"]
    timeout = "tok_timeout"
    lost = "tok_lost"

    def make_provider(self) -> PaymentProvider:
        return SandboxProvider()

    @pytest.mark.parametrize(
        ("token", "reason"),
        [
            ("tok_declined", "The card was declined."),
            ("tok_insufficient_funds", "The card has insufficient funds."),
            ("tok_nobody_knows", "The sandbox does not know this payment method."),
        ],
    )
    def test_each_token_has_its_own_reason(self, token, reason):
        assert self.make_provider().charge(self.request(token)).reason == reason

    def test_its_references_look_like_transactions(self):
        result = self.make_provider().charge(self.request("tok_ok"))

        assert result.outcome is Outcome.SUCCEEDED
        assert result.provider_ref.startswith("txn_")


def test_the_setting_names_the_provider(settings):
    settings.ORSTA_PAYMENT_PROVIDER = "sandbox"

    assert isinstance(registry.provider(), SandboxProvider)
    assert "sandbox" in registry.names()


def test_a_payment_finds_the_provider_that_took_it(settings):
    settings.ORSTA_PAYMENT_PROVIDER = "watched"

    assert registry.provider("sandbox").name == "sandbox"


def test_an_unknown_provider_is_an_error(settings):
    settings.ORSTA_PAYMENT_PROVIDER = "nobody"

    with pytest.raises(KeyError):
        registry.provider()


def test_a_payment_method_is_in_no_trace_of_a_request():
    request = ChargeRequest("pay_1", 999, "USD", payment_method="tok_of_somebodys_card")
    order = payments.Order(
        tenant=None, user=None, amount=None, description="", metadata={},
        payment_method="tok_of_somebodys_card", idempotency_key="", fingerprint="",
    )  # fmt: skip

    assert "tok_of_somebodys_card" not in f"{request!r} {order!r}"
