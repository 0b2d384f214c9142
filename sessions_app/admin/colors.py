"""The colors of gateways and proxies, and how full these and runners are."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from sessions_app.states import GatewayState, Health, ProxyState

HEALTH_COLORS = {
    Health.UNKNOWN.label: "info",
    Health.UP.label: "success",
    Health.DOWN.label: "danger",
}
STATE_COLORS = {
    GatewayState.ACTIVE.label: "success",
    GatewayState.DRAINING.label: "warning",
    GatewayState.QUARANTINED.label: "danger",
    ProxyState.DISABLED.label: "default",
}


def fullness(used: int, capacity: int) -> SafeString:
    """Return how much is taken, as a bar and in numbers."""
    return format_html(
        '<meter min="0" max="{}" high="{}" value="{}" aria-hidden="true"></meter> {} / {}',
        max(capacity, 1),
        max(capacity, 1) * 0.9,
        min(used, max(capacity, 1)),
        used,
        capacity,
    )
