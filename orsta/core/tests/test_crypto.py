import hashlib
import hmac

import pytest
from cryptography.exceptions import InvalidTag
from django.core.exceptions import FieldError
from django.db import connection, models
from django.test.utils import isolate_apps

from orsta.core import crypto


def test_what_is_encrypted_reads_back_in_its_context():
    sealed = crypto.encrypt("2@secret", context="a.b")

    assert sealed.startswith("v1:k1:")
    assert "secret" not in sealed
    assert crypto.decrypt(sealed, context="a.b") == "2@secret"


def test_the_same_text_never_looks_the_same():
    assert crypto.encrypt("x", context="a") != crypto.encrypt("x", context="a")


def test_a_value_moved_to_another_column_is_refused():
    sealed = crypto.encrypt("x", context="a.b")

    with pytest.raises(InvalidTag):
        crypto.decrypt(sealed, context="a.c")


def test_a_tampered_value_is_refused():
    sealed = crypto.encrypt("x", context="a")
    changed = sealed[:-3] + ("A" if sealed[-3] != "A" else "B") + sealed[-2:]

    with pytest.raises(InvalidTag):
        crypto.decrypt(changed, context="a")


def test_an_old_key_still_reads_after_a_rotation(settings):
    old = crypto.encrypt("x", context="a")
    settings.ORSTA_FIELD_KEYS = {"k2": b"n" * 32, **settings.ORSTA_FIELD_KEYS}

    assert crypto.encrypt("x", context="a").startswith("v1:k2:")
    assert crypto.decrypt(old, context="a") == "x"


def test_a_dropped_key_no_longer_reads(settings):
    old = crypto.encrypt("x", context="a")
    settings.ORSTA_FIELD_KEYS = {"k2": b"n" * 32}

    with pytest.raises(KeyError):
        crypto.decrypt(old, context="a")


def test_a_digest_is_keyed_with_the_newest_pepper_unless_told_otherwise(settings):
    settings.ORSTA_KEY_PEPPERS = {"p2": b"q" * 32, "p1": b"p" * 32}

    assert crypto.digest("s") == (
        "p2",
        hmac.new(b"q" * 32, b"s", hashlib.sha256).hexdigest(),
    )
    assert crypto.digest("s", pepper_id="p1") == (
        "p1",
        hmac.new(b"p" * 32, b"s", hashlib.sha256).hexdigest(),
    )
    with pytest.raises(KeyError):
        crypto.digest("s", pepper_id="gone")


@pytest.fixture
def vault(transactional_db):
    """A table with one encrypted column."""

    with isolate_apps():

        class Vault(models.Model):
            secret = crypto.EncryptedTextField(null=True)

            class Meta:
                app_label = "vault_of_tests"

            def __str__(self) -> str:
                return f"vault {self.pk}"

    with connection.schema_editor() as editor:
        editor.create_model(Vault)
    yield Vault
    with connection.schema_editor() as editor:
        editor.delete_model(Vault)


def test_an_encrypted_column_holds_no_readable_text(vault):
    row = vault.objects.create(secret="2@code")

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT secret FROM {vault._meta.db_table}")  # noqa: S608
        stored = cursor.fetchone()[0]
    assert stored.startswith("v1:k1:")
    assert "2@code" not in stored
    assert vault.objects.get(pk=row.pk).secret == "2@code"


def test_an_encrypted_column_is_updated_encrypted_and_may_be_null(vault):
    row = vault.objects.create(secret=None)
    assert vault.objects.filter(secret__isnull=True).exists()

    vault.objects.filter(pk=row.pk).update(secret="new")

    assert vault.objects.values_list("secret", flat=True).get() == "new"


def test_an_encrypted_column_cannot_be_searched(vault):
    with pytest.raises(FieldError):
        vault.objects.filter(secret="2@code").exists()
    with pytest.raises(FieldError):
        vault.objects.filter(secret__contains="2@").exists()
