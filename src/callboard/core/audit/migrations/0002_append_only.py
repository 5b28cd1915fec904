"""Let the database itself refuse to change the audit record."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION cb_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The retention job says so for its own transaction, and may only remove.
    IF TG_OP = 'DELETE' AND current_setting('callboard.audit_retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    -- Databases of tests are emptied between tests.
    IF TG_OP = 'TRUNCATE' AND current_database() LIKE 'test\\_%'
            AND current_setting('callboard.audit_truncate', true) IS DISTINCT FROM 'off' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the audit record is append-only: % is refused', TG_OP
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'Old entries leave by the retention job; set audit.keep_days.';
END
$$;
CREATE TRIGGER cb_audit_append_only BEFORE UPDATE OR DELETE ON cb_audit_entry
    FOR EACH ROW EXECUTE FUNCTION cb_audit_refuse();
CREATE TRIGGER cb_audit_no_truncate BEFORE TRUNCATE ON cb_audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION cb_audit_refuse();
"""

BACKWARD = """
DROP TRIGGER cb_audit_no_truncate ON cb_audit_entry;
DROP TRIGGER cb_audit_append_only ON cb_audit_entry;
DROP FUNCTION cb_audit_refuse();
"""


class Migration(migrations.Migration):
    """Two triggers and their function."""

    dependencies = [("cb_audit", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
