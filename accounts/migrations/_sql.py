"""What the generated migration cannot say; 0001_initial ends with these operations.

The audit log only grows, and PostgreSQL itself seals it. When a transaction commits, each of
its entries takes the next number of its chain and a digest over itself and the digest before
it, so an entry that is changed, taken away or put in between shows (`verify_audit`).
"""

from django.db import migrations

# The digest that seals an entry. Everything of the row is in it but its pk, and each value in
# a spelling that depends on no setting of the connection: jsonb sorts its keys.
_DIGEST = """
CREATE FUNCTION accounts_audit_digest(previous text, entry accounts_auditentry)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(previous || jsonb_build_array(
        entry.chain, entry.seq, entry.tenant_id, entry.actor, entry.action, entry.target,
        host(entry.ip), entry.user_agent, entry.reason, entry.before, entry.after,
        entry.detail, extract(epoch FROM entry.at)
    )::text, 'UTF8')), 'hex')
$$;
"""
_NO_DIGEST = "DROP FUNCTION accounts_audit_digest(text, accounts_auditentry);"

# Sealing comes after everything else that a commit checks. A lock on a chain is thus the last
# one that a transaction takes, and chains are locked in one order by everybody: foreign keys
# that are checked in between could otherwise close a circle of waiting transactions. A
# deferred trigger that is fired by another one runs after all that were waiting; so the first
# entry of a transaction touches itself, and that seals all of them.
_SEAL = """
CREATE FUNCTION accounts_audit_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('orsta.audit_queued', true) IS DISTINCT FROM 'yes' THEN
        PERFORM set_config('orsta.audit_queued', 'yes', true);
        UPDATE accounts_auditentry SET digest = '' WHERE id = NEW.id AND seq IS NULL;
        IF NOT FOUND THEN  -- constraints are immediate, and an earlier entry sealed this one
            PERFORM set_config('orsta.audit_queued', '', true);
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION accounts_audit_seal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head accounts_auditchain;
    entry accounts_auditentry;
BEGIN
    PERFORM set_config('orsta.audit_queued', '', true);
    -- Others' entries are sealed before anybody sees them: what has no number is our own.
    FOR entry IN
        SELECT * FROM accounts_auditentry WHERE id >= NEW.id AND seq IS NULL
        ORDER BY chain COLLATE "C", id
    LOOP
        IF head.chain IS DISTINCT FROM entry.chain THEN
            INSERT INTO accounts_auditchain (chain, seq, digest) VALUES (entry.chain, 0, '')
                ON CONFLICT (chain) DO NOTHING;
            SELECT * INTO STRICT head FROM accounts_auditchain
                WHERE chain = entry.chain FOR UPDATE;
        END IF;
        head.seq := head.seq + 1;
        entry.seq := head.seq;
        head.digest := accounts_audit_digest(head.digest, entry);
        UPDATE accounts_auditentry SET seq = head.seq, digest = head.digest
            WHERE id = entry.id;
        UPDATE accounts_auditchain SET seq = head.seq, digest = head.digest
            WHERE chain = head.chain;
    END LOOP;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER audit_queue AFTER INSERT ON accounts_auditentry
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_queue();
CREATE CONSTRAINT TRIGGER audit_seal AFTER UPDATE ON accounts_auditentry
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.seq IS NULL) EXECUTE FUNCTION accounts_audit_seal();
"""
_NO_SEAL = """
DROP TRIGGER audit_seal ON accounts_auditentry;
DROP TRIGGER audit_queue ON accounts_auditentry;
DROP FUNCTION accounts_audit_seal();
DROP FUNCTION accounts_audit_queue();
"""

# Only the triggers above may update, and only what is not sealed yet.
_GUARD = """
CREATE FUNCTION accounts_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are never changed or deleted'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_unsealed_insert BEFORE INSERT ON accounts_auditentry
    FOR EACH ROW WHEN (NEW.seq IS NOT NULL OR NEW.digest <> '')
    EXECUTE FUNCTION accounts_audit_refuse();
CREATE TRIGGER audit_append_only BEFORE UPDATE ON accounts_auditentry
    FOR EACH ROW WHEN (OLD.seq IS NOT NULL OR pg_trigger_depth() < 1)
    EXECUTE FUNCTION accounts_audit_refuse();
CREATE TRIGGER audit_never_deleted BEFORE DELETE ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_refuse();
CREATE TRIGGER audit_chain_sealed_only BEFORE INSERT OR UPDATE OR DELETE
    ON accounts_auditchain
    FOR EACH ROW WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION accounts_audit_refuse();
"""
_NO_GUARD = """
DROP TRIGGER audit_chain_sealed_only ON accounts_auditchain;
DROP TRIGGER audit_never_deleted ON accounts_auditentry;
DROP TRIGGER audit_append_only ON accounts_auditentry;
DROP TRIGGER audit_unsealed_insert ON accounts_auditentry;
DROP FUNCTION accounts_audit_refuse();
"""

OPERATIONS = [
    migrations.RunSQL(_DIGEST, _NO_DIGEST),
    migrations.RunSQL(_SEAL, _NO_SEAL),
    migrations.RunSQL(_GUARD, _NO_GUARD),
]
