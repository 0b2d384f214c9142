"""People and the tenants they work for."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

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


class Tenant(TimestampedModel):
    """A customer's workspace: the unit of isolation, quota and billing."""

    public_id = PublicIdField("ten")
    name = models.CharField(max_length=120)
    members: models.ManyToManyField[User, Any] = models.ManyToManyField(
        User, through="accounts.Membership", related_name="tenants"
    )

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"


class Role(models.TextChoices):
    """What a member may do."""

    OWNER = "OWNER", "Owner"
    MEMBER = "MEMBER", "Member"


class Membership(TenantOwnedModel):
    """A person's place in a tenant."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="member_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="member_role_known"),
        ]

    def __str__(self) -> str:
        return f"user {self.user_id} in tenant {self.tenant_id} as {self.role}"
