"""The deployed configuration, from the environment: `DJANGO_SETTINGS_MODULE=orsta.settings`."""

from orsta.settings.base import *  # noqa: F403
from orsta.settings.logging import *  # noqa: F403
from orsta.settings.unfold import *  # noqa: F403
