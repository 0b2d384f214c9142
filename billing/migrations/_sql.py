"""What the generated migration cannot say; 0001_initial ends with these operations."""

from django.db import migrations

# The ledger only grows: PostgreSQL itself refuses to change or delete an entry.
_GUARD = """
CREATE FUNCTION billing_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger entries are never changed or deleted'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON billing_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION billing_ledger_append_only();
"""
_NO_GUARD = """
DROP TRIGGER ledger_append_only ON billing_ledgerentry;
DROP FUNCTION billing_ledger_append_only();
"""

OPERATIONS = [migrations.RunSQL(_GUARD, _NO_GUARD)]
