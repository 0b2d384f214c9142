"""What the views about a sibling service's user share."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from accounts.api.base import ServiceAPIView
from accounts.models import Tenant
from accounts.principal import ServicePrincipal
from orsta.core import errors
from subscriptions import directory

TAGS = ["Internal"]
SOURCE = OpenApiParameter(
    "source",
    OpenApiTypes.STR,
    description="Whose user is meant, for a key of every service; a bound key has its own.",
)


class ForeignSource(errors.Denied):
    """The key speaks for one service, and the request names another."""

    code = "foreign_source"


class SourceRequired(errors.Invalid):
    """A key of every service has to say which one it means."""

    code = "source_required"


class UserView(ServiceAPIView):
    """A view about one user, or many, of the calling service."""

    @property
    def actor(self) -> str:
        """Return who the audit log names."""
        return self.service.credential_id

    @property
    def source(self) -> str:
        """Return whose users are meant: the key's own service before any that is asked for."""
        asked: str = self.request.query_params.get("source", "").strip()
        return self.service.source or asked

    def tenant(self, user_id: str, *, source: str = "") -> Tenant:
        """Return the tenant of a user.

        :param source: what the body says; the query and the key come first.
        :raises UserNotFound: unknown, or another service's.
        :raises AmbiguousUser: nobody said which of several is meant.
        """
        return directory.tenant_of(source=self.source or source, user_id=user_id)


def source_of_row(service: ServicePrincipal, named: str) -> str:
    """Return the source that a row is written under.

    :raises ForeignSource: it names another service than the key's.
    :raises SourceRequired: neither says one.
    """
    if service.source and named not in {"", service.source}:
        raise ForeignSource("This key may only be used for its own source.")
    found = service.source or named
    if not found:
        raise SourceRequired(
            "The input has errors; see the fields.", fields={"source": ["Name the service."]}
        )
    return found
