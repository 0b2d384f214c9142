"""What a principal may do in a view."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.authentication import CredentialMissing, ServiceKeyAuthentication, TenantSuspended
from accounts.principal import Principal, PrincipalKind, Restriction, ServicePrincipal
from accounts.roles import GRANTS, Role
from orsta.core import errors


class ScopeMissing(errors.Denied):
    """The credential does not carry the scope that the operation needs."""

    code = "scope_missing"


class EmailNotVerified(errors.Denied):
    """Until its address is verified, a person may look around and nothing more."""

    code = "email_not_verified"


class LoginRequired(errors.Denied):
    """The operation is for a logged-in person; a program's key cannot do it."""

    code = "login_required"

    def __init__(
        self, message: str = "An API key cannot do this; log in and use the login token."
    ) -> None:
        super().__init__(message)


def require(principal: Principal, scope: str) -> None:
    """Let a principal pass that carries the scope.

    :raises TenantSuspended: it would, if its workspace were not suspended.
    :raises EmailNotVerified: it would, if its person had verified the address.
    :raises ScopeMissing: the role or the key is too narrow.
    """
    if principal.allows(scope):
        return
    held_back = bool(principal.role) and scope in GRANTS[Role(principal.role)]
    if held_back and principal.restriction == Restriction.SUSPENDED:
        raise TenantSuspended
    if held_back and principal.restriction == Restriction.UNVERIFIED:
        raise EmailNotVerified(
            "Verify your e-mail address first: we sent you a code and a link."
        )
    raise ScopeMissing(f"This credential lacks the scope {scope}.", scope=scope)


class HasPrincipal(BasePermission):
    """Somebody is calling, and it is known who."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Let whoever was recognized pass.

        :raises CredentialMissing: nobody said who is calling.
        """
        if not isinstance(request.auth, Principal | ServicePrincipal):
            raise CredentialMissing(_what_is_missing(view))
        return True


def _what_is_missing(view: Any) -> str:
    if ServiceKeyAuthentication in view.authentication_classes:
        return "internal api key required"
    if IsPerson in view.permission_classes:
        return "Log in, and send the login token as `Authorization: Bearer`."
    return "x-api-key is required"


class HasScope(BasePermission):
    """The credential carries what the view's `required_scope` names for the method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Say whether the method may go on; an operation without a scope is open to nobody.

        :raises errors.Denied: it carries too little; see `require`.
        """
        method = "GET" if request.method == "HEAD" else str(request.method)
        scope = view.required_scope.get(method)
        if scope is None:
            # A method the view does not have becomes a 405 later.
            return method == "OPTIONS" or not hasattr(view, method.lower())
        principal: Any = request.auth
        require(principal, scope)
        return True


class IsPerson(BasePermission):
    """A person logged in; an API key is refused, whatever its scopes."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Let logins pass.

        :raises LoginRequired: the caller is a program.
        """
        principal: Any = request.auth
        if principal.kind != PrincipalKind.LOGIN:
            raise LoginRequired
        return True
