"""The look and the navigation of the admin."""

from typing import Any

FORMAT_MODULE_PATH = "orsta.settings.formats"

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Orsta",
    "SITE_HEADER": "Orsta",
    "SITE_SUBHEADER": "WhatsApp sessions",
    "SITE_ICON": "orsta.backoffice.navigation.logo",
    "SITE_URL": "/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "/static/console/logo.svg"}
    ],
    "ENVIRONMENT": "orsta.backoffice.navigation.environment",
    "DASHBOARD_CALLBACK": "orsta.backoffice.dashboard.add_to",
    "STYLES": ["orsta.backoffice.navigation.stylesheet"],
    "LOGIN": {"form": "orsta.backoffice.staff_login.StaffLoginForm"},
    "ACCOUNT": {
        "navigation": [{"title": "Second factor", "link": "/admin/second-factor"}],
    },
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "base": {
            "50": "oklch(98.4% .004 165)",
            "100": "oklch(96.4% .006 165)",
            "200": "oklch(92.2% .009 165)",
            "300": "oklch(86.2% .013 165)",
            "400": "oklch(70.4% .020 165)",
            "500": "oklch(54.4% .022 165)",
            "600": "oklch(44.0% .021 165)",
            "700": "oklch(36.6% .019 165)",
            "800": "oklch(27.2% .017 165)",
            "900": "oklch(20.6% .015 165)",
            "950": "oklch(14.0% .012 165)",
        },
        "primary": {
            "50": "oklch(97.6% .020 165)",
            "100": "oklch(94.6% .048 165)",
            "200": "oklch(89.6% .088 165)",
            "300": "oklch(83.0% .124 165)",
            "400": "oklch(74.0% .136 165)",
            "500": "oklch(62.6% .130 165)",
            "600": "oklch(52.0% .112 165)",
            "700": "oklch(44.2% .094 165)",
            "800": "oklch(37.2% .076 165)",
            "900": "oklch(31.6% .062 165)",
            "950": "oklch(21.4% .044 165)",
        },
    },
    # The palette finds pages, not rows: Unfold's search over models reads whole tables.
    "COMMAND": {"search_models": False, "show_history": True},
    "SIDEBAR": {
        "show_search": False,
        "command_search": True,
        "show_all_applications": False,
        "navigation": "orsta.backoffice.navigation.sections",
    },
}
