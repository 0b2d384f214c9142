"""How often anybody may call: `limit/seconds`, or `limit/seconds/block seconds`."""

from orsta.settings.base import env

_DEFAULTS = {
    # Programs: each key by the rate class of its tenant's plan, and all keys of a tenant.
    "standard_read": "120/60",
    "standard_write": "120/60",
    "standard_send": "120/60",
    "standard_tenant": "600/60",
    "standard_spam": "40/10/600",
    "plus_read": "600/60",
    "plus_write": "600/60",
    "plus_send": "600/60",
    "plus_tenant": "3000/60",
    "plus_spam": "200/10/600",
    "high_read": "3000/60",
    "high_write": "3000/60",
    "high_send": "6000/60",
    "high_tenant": "15000/60",
    "high_spam": "2000/10/600",
    # People, each login: pages ask for several things at once, and nobody is blocked for it.
    "person_read": "600/60",
    "person_write": "240/60",
    "person_send": "240/60",
    "person_tenant": "3000/60",
    # Sibling services, each key.
    "service_read": "3000/60",
    "service_write": "3000/60",
    "service_send": "3000/60",
    # Each address: whoever says not who it is, and whoever says it wrongly.
    "public_address": "120/60",
    "refused_address": "60/60",
    # Each gateway, for all the sessions it has.
    "gateway_address": "30000/60",
    # Attempts to get in, by the person they are about or the address they come from.
    "login_account": "10/900",
    "login_address": "50/900",
    "signup_address": "20/3600",
    "mail_account": "5/3600",
    "mail_address": "30/3600",
    "code_account": "10/900",
    "code_address": "50/900",
}
ORSTA_LIMIT_NAMES = frozenset(_DEFAULTS)
# NAME=limit/seconds, comma-separated; the name * stands for every one that is not named.
_OWN: dict[str, str] = env.dict("ORSTA_LIMITS", default={})
_ALL = dict.fromkeys(_DEFAULTS, _OWN["*"]) if "*" in _OWN else {}
ORSTA_LIMITS = _DEFAULTS | _ALL | {name: text for name, text in _OWN.items() if name != "*"}

# Where a guess that nobody counts would be worth something: refused while Redis is away.
ORSTA_CLOSED_LIMITS = frozenset(
    name for name in ORSTA_LIMITS if name.startswith(("login_", "signup_", "mail_", "code_"))
)
