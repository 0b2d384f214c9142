"""Ways out to WhatsApp."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from orsta.core.crypto import EncryptedTextField
from orsta.core.models import PublicIdField, TimestampedModel
from sessions_app.states import Health, ProxyState


class Proxy(TimestampedModel):
    """One proxy of the pool. A session that has one keeps it and never connects without."""

    public_id = PublicIdField("prx")
    name = models.CharField(max_length=80)
    url = EncryptedTextField(help_text="socks5://user:secret@host:port or http://…")
    country = models.CharField(
        max_length=2, blank=True, help_text="ISO 3166 code of its exit, e.g. DE"
    )
    capacity = models.PositiveIntegerField(default=1, help_text="Sessions that may share it")
    state = models.CharField(
        max_length=12, choices=ProxyState.choices, default=ProxyState.ACTIVE, editable=False
    )
    health = models.CharField(
        max_length=8, choices=Health.choices, default=Health.UNKNOWN, editable=False
    )
    error = models.CharField(max_length=300, blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    down_since = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "proxies"
        constraints = [
            models.UniqueConstraint(Lower("name"), name="proxy_name_unique"),
            models.CheckConstraint(
                condition=Q(state__in=ProxyState.values), name="proxy_state_known"
            ),
            models.CheckConstraint(
                condition=Q(health__in=Health.values), name="proxy_health_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name
