import time

import pytest
from django.apps import apps

from orsta.core import ids
from orsta.core.models import PublicIdField


def test_an_id_has_its_prefix_and_26_characters():
    made = ids.make("ses")

    prefix, _, rest = made.partition("_")
    assert prefix == "ses"
    assert len(rest) == 26
    assert set(rest) <= set("0123456789abcdefghjkmnpqrstvwxyz")


def test_ids_sort_by_time_of_creation():
    first = ids.make("ses")
    time.sleep(0.002)
    second = ids.make("ses")

    assert first < second


def test_ids_of_one_millisecond_differ():
    assert len({ids.make("ses") for _ in range(5_000)}) == 5_000


def test_every_prefix_fits_the_column_and_belongs_to_one_model():
    fields = [
        field
        for model in apps.get_models()
        for field in model._meta.fields
        if isinstance(field, PublicIdField)
    ]

    assert all(len(ids.make(field.prefix)) <= ids.MAX_LENGTH for field in fields)
    prefixes = [field.prefix for field in fields]
    assert sorted(set(prefixes)) == sorted(prefixes)


def test_a_public_id_survives_the_migration_writer():
    _, path, args, kwargs = PublicIdField("ses").deconstruct()

    assert (path, args, kwargs) == ("orsta.core.models.PublicIdField", ["ses"], {})


@pytest.mark.django_db
def test_bulk_created_rows_get_an_id_each():
    from orsta.core.outbox.models import OutboxEvent

    rows = [OutboxEvent(name="x", shard="s", lane=0, payload={}) for _ in range(3)]
    OutboxEvent.objects.bulk_create(rows)

    assert len(set(OutboxEvent.objects.values_list("event_id", flat=True))) == 3
