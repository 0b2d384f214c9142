"""The console's pages about people and their keys, and what every page of it shares."""

from accounts.views import entry, invited, keys, mailed, settings, team, tenant, trail
from accounts.views.pages import ConsoleRequest, page, show

__all__ = ["ConsoleRequest", "page", "show"]

urlpatterns = [
    *entry.urlpatterns,
    *mailed.urlpatterns,
    *settings.urlpatterns,
    *keys.urlpatterns,
    *team.urlpatterns,
    *tenant.urlpatterns,
    *trail.urlpatterns,
    *invited.urlpatterns,
]
