"""The pytest plugin that every app's tests use."""
