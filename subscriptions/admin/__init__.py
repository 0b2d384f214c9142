"""Plans to sell, who has which, and how much of it is used."""

from subscriptions.admin.plans import PlanAdmin
from subscriptions.admin.subscriptions import SubscriptionAdmin
from subscriptions.admin.usage import EntitlementOverrideAdmin, QuotaUsageAdmin

__all__ = ["EntitlementOverrideAdmin", "PlanAdmin", "QuotaUsageAdmin", "SubscriptionAdmin"]
