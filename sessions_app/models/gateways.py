"""Servers that hold sessions for us."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from orsta.core.crypto import EncryptedTextField
from orsta.core.models import PublicIdField, TimestampedModel
from sessions_app.states import GatewayState, Health


class Gateway(TimestampedModel):
    """One gateway of the fleet. `state` is what staff want, `health` what the survey found."""

    public_id = PublicIdField("gtw")
    name = models.CharField(max_length=80)
    engine = models.CharField(max_length=16)
    # Not a URLField: that refuses names without a dot, which private networks have.
    address = models.CharField(max_length=300, help_text="https://gateway-1.internal:8080")
    token = EncryptedTextField(help_text="The gateway's admin token")
    capacity = models.PositiveIntegerField(help_text="Sessions that it may hold")
    labels = models.JSONField(
        default=dict, blank=True, help_text='Your own order, e.g. {"region": "eu"}'
    )
    state = models.CharField(
        max_length=12, choices=GatewayState.choices, default=GatewayState.ACTIVE, editable=False
    )
    health = models.CharField(
        max_length=8, choices=Health.choices, default=Health.UNKNOWN, editable=False
    )
    version = models.CharField(max_length=40, blank=True, editable=False)
    error = models.CharField(max_length=300, blank=True, editable=False)
    strangers = models.JSONField(
        default=list, editable=False, help_text="Its sessions that are not ours, by name"
    )
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    down_since = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name="gateway_name_unique"),
            models.UniqueConstraint(fields=["address"], name="gateway_address_unique"),
            models.CheckConstraint(
                condition=Q(state__in=GatewayState.values), name="gateway_state_known"
            ),
            models.CheckConstraint(
                condition=Q(health__in=Health.values), name="gateway_health_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name
