"""Every route of the service, without what Django's admin serves."""

from collections.abc import Iterator

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver


def routes() -> Iterator[str]:
    """Yield the patterns, whole."""
    yield from _walk(get_resolver(settings.ROOT_URLCONF).url_patterns, "")


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from _walk(pattern.url_patterns, route)
        else:
            yield route
