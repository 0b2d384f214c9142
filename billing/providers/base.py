"""The contract between Orsta and whoever moves the money."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar


class ProviderUnavailable(Exception):
    """Nobody knows whether the money moved: no answer, or one that makes no sense.

    Never raised for a refusal, and never read as one.
    """

    retryable: ClassVar[bool] = True


class Outcome(StrEnum):
    """What became of a charge."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """One attempt to collect money.

    :param reference: our payment's public id; the provider's idempotency key.
    :param amount_minor: in the minor unit of `currency`, above zero.
    :param payment_method: the provider's token; "" means its default.
    """

    reference: str
    amount_minor: int
    currency: str
    description: str = ""
    payment_method: str = field(default="", repr=False)
    metadata: Any = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChargeResult:
    """The provider's last word on a charge.

    :param provider_ref: its id of the charge; "" when it made none.
    :param reason: a sentence for the customer, "" on success.
    """

    outcome: Outcome
    provider_ref: str = ""
    reason: str = ""


class PaymentProvider(ABC):
    """Moves money. Called outside any transaction, by several processes at once."""

    name: ClassVar[str]

    @abstractmethod
    def charge(self, request: ChargeRequest) -> ChargeResult:
        """Collect the money, or say that it was declined: a decline is a result.

        Repeating a reference never moves money twice and gives the same result. It returns
        or raises within 30 seconds.

        :raises ProviderUnavailable: the outcome is unknown; `lookup` tells it later.
        """

    @abstractmethod
    def lookup(self, request: ChargeRequest) -> ChargeResult | None:
        """Return what became of a charge, None when the provider never received it.

        It never moves money. Asked no sooner than the time that `charge` may take.

        :raises ProviderUnavailable: it can't be told now; ask again later.
        """
