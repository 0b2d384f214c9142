"""The project package: roof (wiring) and floor (`orsta.core`)."""

from orsta.celery import app as celery_app
from orsta.core import version

__all__ = ("__version__", "celery_app")

__version__ = version.VERSION
