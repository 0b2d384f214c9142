"""What somebody has to do to link a device."""

from django.db import models

from orsta.core.crypto import EncryptedTextField
from sessions_app.models.session import Session
from sessions_app.states import ChallengeKind


class PairingChallenge(models.Model):
    """What to scan, type or answer now. It links a device, so its text is encrypted at rest.

    The text is the QR code's, the code to type, or the passkey's options as JSON.
    """

    session = models.OneToOneField(Session, on_delete=models.CASCADE, related_name="challenge")
    kind = models.CharField(
        max_length=12, choices=ChallengeKind.choices, default=ChallengeKind.QR
    )
    text = EncryptedTextField(editable=False)
    seq = models.PositiveIntegerField(help_text="1 for the first of an attempt")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=ChallengeKind.values), name="challenge_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"challenge {self.seq} of session {self.session_id}"
