"""Sessions, what moves them, and who holds them."""

from sessions_app.admin.gateways import GatewayAdmin
from sessions_app.admin.inbox import InboxEntryAdmin
from sessions_app.admin.proxies import ProxyAdmin
from sessions_app.admin.runners import RunnerAdmin
from sessions_app.admin.sessions import SessionAdmin
from sessions_app.admin.work import CommandAdmin, LeaseAdmin

__all__ = [
    "CommandAdmin",
    "GatewayAdmin",
    "InboxEntryAdmin",
    "LeaseAdmin",
    "ProxyAdmin",
    "RunnerAdmin",
    "SessionAdmin",
]
