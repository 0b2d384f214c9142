"""What every payment provider must do; each one's tests derive from this class."""

import pytest

from billing.providers.base import (
    ChargeRequest,
    Outcome,
    PaymentProvider,
    ProviderUnavailable,
)


class ProviderContract:
    """Fill in the provider, and the tokens that script its outcomes."""

    ok: str
    declined: list[str]
    timeout: str
    lost: str

    def make_provider(self) -> PaymentProvider:
        """Return a fresh adapter, as another process would have."""
        raise NotImplementedError

    def request(self, payment_method: str, reference: str = "pay_1") -> ChargeRequest:
        """Return a charge of 9.99 USD."""
        return ChargeRequest(reference, 999, "USD", payment_method=payment_method)

    def test_a_good_charge_has_a_reference_and_no_reason(self):
        result = self.make_provider().charge(self.request(self.ok))

        assert result.outcome is Outcome.SUCCEEDED
        assert 0 < len(result.provider_ref) <= 100
        assert result.reason == ""

    def test_without_a_payment_method_the_default_one_pays(self):
        result = self.make_provider().charge(self.request(""))

        assert result.outcome is Outcome.SUCCEEDED

    def test_repeating_a_reference_gives_the_same_charge_in_every_process(self):
        request = self.request(self.ok)

        first = self.make_provider().charge(request)

        assert self.make_provider().charge(request) == first
        assert self.make_provider().lookup(request) == first

    def test_another_reference_is_another_charge(self):
        provider = self.make_provider()

        refs = {provider.charge(self.request(self.ok, f"pay_{n}")).provider_ref for n in "12"}

        assert len(refs) == 2

    def test_a_decline_is_a_result_with_a_sentence(self):
        for token in self.declined:
            request = self.request(token)

            result = self.make_provider().charge(request)

            assert result.outcome is Outcome.DECLINED
            assert result.reason.endswith(".")
            assert self.make_provider().lookup(request) == result

    def test_a_lost_answer_is_unknown_and_found_later(self):
        request = self.request(self.timeout)

        with pytest.raises(ProviderUnavailable) as error:
            self.make_provider().charge(request)

        assert error.value.retryable
        found = self.make_provider().lookup(request)
        assert found is not None
        assert found.outcome is Outcome.SUCCEEDED

    def test_a_lost_request_is_unknown_and_never_found(self):
        request = self.request(self.lost)

        with pytest.raises(ProviderUnavailable):
            self.make_provider().charge(request)

        assert self.make_provider().lookup(request) is None

    def test_the_name_fits_its_column(self):
        assert 0 < len(self.make_provider().name) <= 20
