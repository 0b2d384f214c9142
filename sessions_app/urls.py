"""Everything below `/v1/`: sessions and what they have; and the same below `/internal/`."""

from sessions_app.api import urls as sessions
from sessions_app.contacts.api import urls as contacts
from sessions_app.messaging.api import urls as messaging

urlpatterns = [*sessions.urlpatterns, *messaging.urlpatterns, *contacts.urlpatterns]
internal_urlpatterns = [*sessions.internal_urlpatterns, *messaging.internal_urlpatterns]
