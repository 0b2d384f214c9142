"""The second factors of people, and the steps of a login that wait for one."""

from django.db import models
from django.db.models import Q

from accounts.models.credentials import Credential
from accounts.models.identity import User
from orsta.core.crypto import EncryptedTextField
from orsta.core.models import PublicIdField


class TotpDevice(models.Model):
    """A person's authenticator app (RFC 6238). It counts once it has shown a code."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="totp")
    secret = EncryptedTextField(editable=False)
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_step = models.BigIntegerField(
        default=0, editable=False, help_text="The time step of the last code that was taken"
    )

    def __str__(self) -> str:
        return f"authenticator app of user {self.user_id}"


class RecoveryCode(models.Model):
    """One of ten codes for whoever lost the other factors; each works once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, editable=False)
    pepper_id = models.CharField(max_length=16, editable=False)
    used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")
        ]

    def __str__(self) -> str:
        return f"recovery code of user {self.user_id}"


class Passkey(models.Model):
    """A WebAuthn credential of a person: it logs in without a password."""

    public_id = PublicIdField("psk")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=80)
    credential_id = models.CharField(
        max_length=1400,
        unique=True,
        editable=False,
        help_text="base64url, as the browser has it",
    )
    credential = models.BinaryField(help_text="Attested credential data (WebAuthn 6.5.1)")
    sign_count = models.PositiveBigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.name} of user {self.user_id}"


class CeremonyKind(models.TextChoices):
    """What a browser is about to sign."""

    REGISTER = "REGISTER", "Register a passkey"
    LOGIN = "LOGIN", "Log in with a passkey"


class Ceremony(models.Model):
    """A WebAuthn challenge that was handed out; whoever answers it takes the row away."""

    kind = models.CharField(max_length=8, choices=CeremonyKind.choices)
    challenge_digest = models.CharField(max_length=64, unique=True, editable=False)
    state = models.JSONField(editable=False)
    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="+", help_text="Null at sign-up"
    )
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=CeremonyKind.values), name="ceremony_kind_known"
            )
        ]
        indexes = [
            # tasks.forget_spent: what nobody answered.
            models.Index(fields=["expires_at"], name="ceremony_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ceremony {self.pk}"


class PendingLogin(Credential):
    """A login whose password was right and whose second factor is still to come."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"pending login of user {self.user_id}"
