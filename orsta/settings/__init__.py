"""The deployed configuration, from the environment: `DJANGO_SETTINGS_MODULE=orsta.settings`."""

from orsta.settings.api import *  # noqa: F403
from orsta.settings.base import *  # noqa: F403
from orsta.settings.engines import *  # noqa: F403
from orsta.settings.jobs import *  # noqa: F403
from orsta.settings.limits import *  # noqa: F403
from orsta.settings.logging import *  # noqa: F403
from orsta.settings.people import *  # noqa: F403
from orsta.settings.security import *  # noqa: F403
from orsta.settings.unfold import *  # noqa: F403
