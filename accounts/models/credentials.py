"""What callers prove themselves with. Only keyed digests of secrets are stored."""

from django.db import models
from django.db.models import Q

from accounts.models.identity import User
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


class ApiKeyStatus(models.TextChoices):
    """Whether the key opens anything."""

    INACTIVE = "INACTIVE", "Inactive"
    ACTIVE = "ACTIVE", "Active"
    REVOKED = "REVOKED", "Revoked"


class ApiKey(Credential, TenantOwnedModel):
    """A customer's key for its programs; the `eakey` of the first API is the tenant's first."""

    public_id = PublicIdField("key")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=80, default="default")
    status = models.CharField(
        max_length=8,
        choices=ApiKeyStatus.choices,
        default=ApiKeyStatus.INACTIVE,
        editable=False,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ApiKeyStatus.values), name="api_key_status_known"
            ),
            # One key per tenant is not revoked, until keys can be named and scoped.
            models.UniqueConstraint(
                fields=["tenant"],
                condition=~Q(status=ApiKeyStatus.REVOKED),
                name="api_key_current_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} (…{self.hint})"

    @property
    def is_active(self) -> bool:
        """Say whether the key opens anything."""
        return self.status == ApiKeyStatus.ACTIVE


class ServiceKey(Credential):
    """A sibling service's key for `/internal`, bound to the source it speaks for."""

    public_id = PublicIdField("svc")
    source = models.CharField(
        max_length=64,
        blank=True,
        help_text="The service it speaks for; empty means every source",
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.source or 'every source'} {self.public_id}"


class LoginSession(Credential, TenantOwnedModel):
    """One login of a person: the token that the cookie or the Bearer header carries."""

    public_id = PublicIdField("log")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="login_sessions")
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    expires_at = models.DateTimeField()
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
