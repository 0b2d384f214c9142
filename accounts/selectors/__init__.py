"""Who a credential belongs to, and what a person or a tenant has of them."""

from accounts.selectors.principals import (
    forget,
    is_valid,
    living_api_key,
    login_session_of,
    principal_of_api_key,
    principal_of_key_row,
    principal_of_login,
    principal_of_service_key,
    principal_of_token,
)
from accounts.selectors.workspaces import (
    Profile,
    api_key_of,
    api_keys_of,
    current_api_key,
    keys_in_state,
    masked_key,
    profile_of,
    tenant_of,
    unended_keys_of,
)

__all__ = [
    "Profile",
    "api_key_of",
    "api_keys_of",
    "current_api_key",
    "forget",
    "is_valid",
    "keys_in_state",
    "living_api_key",
    "login_session_of",
    "masked_key",
    "principal_of_api_key",
    "principal_of_key_row",
    "principal_of_login",
    "principal_of_service_key",
    "principal_of_token",
    "profile_of",
    "tenant_of",
    "unended_keys_of",
]
