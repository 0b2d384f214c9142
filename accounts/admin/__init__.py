"""Customers, their people and what they prove themselves with. Digests are never shown."""

from accounts.admin import credentials, mails, people, tenants, trail

__all__ = ["credentials", "mails", "people", "tenants", "trail"]
