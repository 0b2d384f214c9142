"""What callers prove themselves with. Only keyed digests of secrets are stored."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from accounts.models.identity import User
from accounts.roles import Role
from accounts.tenancy import TenantOwnedModel
from orsta.core.models import PublicIdField


class Credential(models.Model):
    """The stored half of a secret: see `accounts.keys` for the other half."""

    key_id = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    pepper_id = models.CharField(max_length=16, editable=False)
    hint = models.CharField(
        max_length=4, editable=False, help_text="The secret's last characters"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


class ApiKeyState(models.TextChoices):
    """How an API key stands, whether or not the API of its tenant is on."""

    LIVING = "LIVING", "Active"
    ENDING = "ENDING", "Replaced, and still good"
    EXPIRED = "EXPIRED", "Expired"
    REVOKED = "REVOKED", "Revoked"


class ApiKey(Credential, TenantOwnedModel):
    """A customer's key for its programs; the `eakey` of the first API is the oldest alive.

    It works while it is neither revoked nor expired and `Tenant.api_enabled` is on.
    """

    public_id = PublicIdField("key")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=80, default="default")
    scopes = models.JSONField(
        default=list, help_text='Names of `accounts.roles.KEY_SCOPES`; ["*"] is all of them'
    )
    session_ids = models.JSONField(
        default=list, blank=True, help_text="The only sessions it may touch; empty: every one"
    )
    networks = models.JSONField(
        default=list, blank=True, help_text="CIDR blocks it may be used from; empty: anywhere"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    replaced_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        indexes = [
            # A tenant's keys, oldest first.
            models.Index(
                fields=["tenant", "id"], condition=Q(revoked_at=None), name="api_key_alive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} (…{self.hint})"

    def state_at(self, now: datetime) -> ApiKeyState:
        """Return how it stands at a moment."""
        if self.revoked_at is not None:
            return ApiKeyState.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return ApiKeyState.EXPIRED
        return ApiKeyState.ENDING if self.replaced_by_id else ApiKeyState.LIVING

    def works_at(self, now: datetime) -> bool:
        """Say whether it is good, if the API of its tenant is on."""
        return self.state_at(now) in {ApiKeyState.LIVING, ApiKeyState.ENDING}


class ServiceKey(Credential):
    """A sibling service's key for `/internal`, bound to the source it speaks for."""

    public_id = PublicIdField("svc")
    source = models.CharField(
        max_length=64,
        blank=True,
        help_text="The service it speaks for; empty means every source",
    )
    name = models.CharField(max_length=80, blank=True, help_text="What it is used for")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.source or 'every source'} {self.public_id}"


class LoginSession(Credential, TenantOwnedModel):
    """One login of a person on one device: a family of tokens that live and die together.

    The row is the access token of the moment, which the cookie or the Bearer header carries;
    a refresh replaces it in place, so the login keeps its id.
    """

    public_id = PublicIdField("log")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="login_sessions")
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    expires_at = models.DateTimeField(help_text="When the access token ends")
    ends_at = models.DateTimeField(help_text="When no refresh helps any more")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # services.login.revoke_all: what a person still has open.
            models.Index(
                fields=["user"], condition=Q(revoked_at=None), name="login_session_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} of user {self.user_id}"


class RefreshToken(Credential):
    """What a login is prolonged with, once. A used one that comes again was stolen."""

    login_session = models.ForeignKey(
        LoginSession, on_delete=models.CASCADE, related_name="refresh_tokens"
    )
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"refresh token {self.key_id} of login {self.login_session_id}"


class LinkPurpose(models.TextChoices):
    """What a mailed link and its code are good for."""

    VERIFY = "VERIFY", "Verify the address"
    RESET = "RESET", "Reset the password"


class EmailProof(Credential):
    """Proof that somebody reads an address: a link token, or six digits typed in.

    The credential is the link's token. One proof per person and purpose is open at a time.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="email_proofs")
    purpose = models.CharField(max_length=6, choices=LinkPurpose.choices)
    email = models.EmailField(max_length=254, help_text="The address at the time")
    code_digest = models.CharField(max_length=64, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=LinkPurpose.values), name="email_proof_purpose_known"
            ),
            models.UniqueConstraint(
                fields=["user", "purpose"],
                condition=Q(used_at=None),
                name="email_proof_open_once",
            ),
        ]
        indexes = [
            # services.proofs: the open code of an address.
            models.Index(
                fields=["email"], condition=Q(used_at=None), name="email_proof_of_address"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of user {self.user_id}"


class Invitation(Credential, TenantOwnedModel):
    """A place in a tenant, offered to an address. The credential is the link's token."""

    public_id = PublicIdField("inv")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=9, choices=Role.choices)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="invitation_role_known"
            ),
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} to tenant {self.tenant_id}"
