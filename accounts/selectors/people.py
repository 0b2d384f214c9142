"""What a person may see about itself: its workspaces, its second factors, its logins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import LoginSession, Membership, RefreshToken, User
from accounts.principal import Principal, PrincipalKind
from accounts.selectors.members import workspaces_of
from accounts.selectors.workspaces import Profile, profile_of
from orsta.core import errors


class UnknownLogin(errors.Missing):
    """The person has no such login open."""

    code = "login_not_found"


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has besides the password."""

    totp: bool = False
    passkeys: int = 0
    recovery_codes_left: int = 0


@dataclass(frozen=True, slots=True)
class About:
    """What `/auth/me` tells; of a key, nothing about the person who made it but the name."""

    principal: Principal
    profile: Profile
    workspaces: Sequence[Membership] = ()
    factors: Factors = Factors()


def about(principal: Principal) -> About:
    """Return what a principal may read about itself: four queries, two for a key."""
    profile = profile_of(principal)
    if principal.kind != PrincipalKind.LOGIN or principal.user is None:
        return About(principal, profile)
    return About(
        principal, profile, list(workspaces_of(principal.user)), factors_of(principal.user)
    )


def factors_of(user: User) -> Factors:
    """Return what second factors a person has: one query."""
    counts = User.objects.filter(pk=user.pk).aggregate(
        totp=Count("totp", filter=Q(totp__confirmed_at__isnull=False), distinct=True),
        passkeys=Count("passkeys", distinct=True),
        codes=Count("recovery_codes", filter=Q(recovery_codes__used_at=None), distinct=True),
    )
    return Factors(counts["totp"] > 0, counts["passkeys"], counts["codes"])


def logins_of(user: User, *, now: datetime) -> QuerySet[LoginSession]:
    """Return the logins that a person has open."""
    theirs = LoginSession.objects.filter(is_open(now=now), user=user)
    return theirs.select_related("tenant", "user")


def is_open(*, now: datetime) -> Q:
    """Return which logins are open: with a token that works or can be refreshed."""
    refreshable = RefreshToken.objects.filter(
        login_session=OuterRef("pk"), used_at=None, expires_at__gt=now
    )
    working = Q(expires_at__gt=now) | Q(Exists(refreshable))
    return working & Q(revoked_at=None, ends_at__gt=now)


def login_of(user: User, public_id: str, *, now: datetime) -> LoginSession:
    """Return one of them.

    :raises UnknownLogin: it ended, or is somebody else's.
    """
    login = logins_of(user, now=now).filter(public_id=public_id).first()
    if login is None:
        raise UnknownLogin("You have no such login open.")
    return login
