"""What a principal may do in a view."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.principal import Principal, PrincipalKind, ServicePrincipal
from orsta.core import errors


class ScopeMissing(errors.Denied):
    """The credential does not carry the scope that the operation needs."""

    code = "scope_missing"


class LoginRequired(errors.Denied):
    """The operation is for a logged-in person; a program's key cannot do it."""

    code = "login_required"


class HasPrincipal(BasePermission):
    """Somebody is calling, and it is known who."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Say whether authentication found a principal."""
        return isinstance(request.auth, Principal | ServicePrincipal)


class HasScope(BasePermission):
    """The credential carries what the view's `required_scope` names for the method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Say whether the method may go on; an operation without a scope is open to nobody.

        :raises ScopeMissing: the credential is too narrow.
        """
        method = "GET" if request.method == "HEAD" else str(request.method)
        scope = view.required_scope.get(method)
        if scope is None:
            # A method the view does not have becomes a 405 later.
            return method == "OPTIONS" or not hasattr(view, method.lower())
        principal: Any = request.auth
        if not principal.allows(scope):
            raise ScopeMissing(f"This credential lacks the scope {scope}.", scope=scope)
        return True


class IsPerson(BasePermission):
    """A person logged in; an API key is refused, whatever its scopes."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Let logins pass.

        :raises LoginRequired: the caller is a program.
        """
        principal: Any = request.auth
        if principal.kind != PrincipalKind.LOGIN:
            raise LoginRequired("An API key cannot do this; log in and use the login token.")
        return True
