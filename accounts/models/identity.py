"""People and the tenants they work for."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.roles import Role
from accounts.tenancy import TenantOwnedModel
from orsta.core.models import PublicIdField, TimestampedModel


class UserManager(BaseUserManager["User"]):
    """Makes users whose e-mail address is stored in lower case."""

    def create_user(self, *, username: str, email: str, password: str, **fields: Any) -> "User":
        """Save a user with a hashed password."""
        user = self.model(username=username, email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, *, username: str, email: str, password: str, **fields: Any
    ) -> "User":
        """Save a user who may do everything in the admin."""
        fields |= {"is_staff": True, "is_superuser": True}
        return self.create_user(username=username, email=email, password=password, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find by e-mail address, however it is written."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Staff log in to the admin; customers' people to the console."""

    public_id = PublicIdField("usr")
    username = models.CharField(max_length=40)
    email = models.EmailField(max_length=254)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    email_verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["username"]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.UniqueConstraint(Lower("username"), name="user_username_once"),
            # Django's auth looks a USERNAME_FIELD up by equality; this serves that query.
            models.UniqueConstraint(fields=["email"], name="user_email_exact"),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower"),
        ]

    def __str__(self) -> str:
        return self.email


class TenantStatus(models.TextChoices):
    """Whether a tenant may act. Its data stays until it is purged."""

    ACTIVE = "ACTIVE", "Active"
    SUSPENDED = "SUSPENDED", "Suspended"
    DELETING = "DELETING", "To be deleted"
    PURGED = "PURGED", "Purged"


class Tenant(TimestampedModel):
    """A customer's workspace: the unit of isolation, quota and billing.

    A tenant that a sibling service made is known to it by (`source`, `external_id`); one
    that signed up by itself has neither. A purged tenant stays as an empty row, because the
    ledger and the audit log name it for good.
    """

    public_id = PublicIdField("ten")
    name = models.CharField(max_length=120)
    default_country = models.CharField(
        max_length=2,
        blank=True,
        db_default="",
        help_text="ISO 3166 code; completes phone numbers that are written without theirs",
    )
    source = models.CharField(
        max_length=64, blank=True, help_text="The sibling service that made it; empty: sign-up"
    )
    external_id = models.CharField(
        max_length=64, blank=True, help_text="What that service calls it: its `user_id`"
    )
    created_by = models.CharField(
        max_length=128, blank=True, help_text="Who had it made, in the service's words"
    )
    status = models.CharField(
        max_length=9, choices=TenantStatus.choices, default=TenantStatus.ACTIVE, editable=False
    )
    status_reason = models.CharField(max_length=200, blank=True, editable=False)
    status_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    purge_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When a deletion becomes final"
    )
    api_enabled = models.BooleanField(
        default=False, editable=False, help_text="Whether its API keys open anything"
    )
    members: models.ManyToManyField[User, Any] = models.ManyToManyField(
        User, through="accounts.Membership", related_name="tenants"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=TenantStatus.values), name="tenant_status_known"
            ),
            # Two services may use the same user_id; neither can reach the other's tenant. In
            # this order the index also serves a global key, which asks by user_id alone.
            models.UniqueConstraint(
                fields=["external_id", "source"],
                condition=~Q(external_id=""),
                name="tenant_once_per_source",
            ),
            models.CheckConstraint(
                condition=Q(source="", external_id="") | ~Q(source="") & ~Q(external_id=""),
                name="tenant_source_whole",
            ),
            models.CheckConstraint(
                condition=Q(status=TenantStatus.DELETING, purge_at__isnull=False)
                | ~Q(status=TenantStatus.DELETING) & Q(purge_at=None),
                name="tenant_deletion_dated",
            ),
        ]
        indexes = [
            # /internal/users: a source's tenants, newest first, and how many there are.
            models.Index(fields=["source", "-id"], name="tenant_of_source"),
            # The same for a key of every source.
            models.Index(fields=["-id"], condition=~Q(source=""), name="tenant_of_any_source"),
            # tasks.purge_tenants.
            models.Index(
                fields=["purge_at"],
                condition=Q(status=TenantStatus.DELETING),
                name="tenant_to_purge",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"

    @property
    def is_active(self) -> bool:
        """Whether it may act."""
        return self.status == TenantStatus.ACTIVE


class Membership(TenantOwnedModel):
    """A person's place in a tenant."""

    public_id = PublicIdField("mem")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=9, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="member_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="member_role_known"),
        ]

    def __str__(self) -> str:
        return f"user {self.user_id} in tenant {self.tenant_id} as {self.role}"
