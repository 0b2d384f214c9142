"""Customers, their people and what they prove themselves with. Digests are never shown."""

from accounts.admin import credentials, people, tenants, trail

__all__ = ["credentials", "people", "tenants", "trail"]
