"""Abstract models."""

from typing import Any, ClassVar

from django.db import models

from orsta.core import ids


class GivenIdField(models.CharField[str, str]):
    """An id by which rows are looked up as callers give it."""

    def get_prep_value(self, value: Any) -> Any:
        """Let an id from outside that holds a NUL match nothing; PostgreSQL would fail."""
        prepared = super().get_prep_value(value)
        return "" if isinstance(prepared, str) and "\x00" in prepared else prepared


class PublicIdField(GivenIdField):
    """The id the API shows, made from the prefix on creation: `PublicIdField("ses")`."""

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        self.prefix = prefix
        kwargs |= {"max_length": ids.MAX_LENGTH, "unique": True, "editable": False}
        super().__init__(**kwargs)

    def get_default(self) -> str:
        return ids.make(self.prefix)

    def has_default(self) -> bool:
        return True

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, _, kwargs = super().deconstruct()
        for derived in ("max_length", "unique", "editable"):
            kwargs.pop(derived, None)
        return name, path, [self.prefix], kwargs


class TimestampedModel(models.Model):
    """Rows that know when they were made and last saved."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager[Any]]

    class Meta:
        abstract = True
