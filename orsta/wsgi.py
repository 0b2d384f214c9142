"""The WSGI application: all HTTP goes through it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orsta.settings")
application = get_wsgi_application()

from orsta import checks  # noqa: E402 (needs the settings)

checks.require()
