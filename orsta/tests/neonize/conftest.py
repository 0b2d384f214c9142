"""The lane's fixtures."""

from sessions_app.runner.tests.neonize.conftest import ann, engine, make_shop

__all__ = ["ann", "engine", "make_shop"]
