import uuid

from django.db import migrations, models

FORWARDS = """
CREATE FUNCTION cb_catalog_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO cb_catalog_state (id, token) VALUES (1, gen_random_uuid())
  ON CONFLICT (id) DO UPDATE SET token = excluded.token;
  RETURN NULL;
END $$;
CREATE TRIGGER cb_catalog_entity_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cb_catalog_entity
  FOR EACH STATEMENT EXECUTE FUNCTION cb_catalog_note_change();
CREATE TRIGGER cb_catalog_relation_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cb_catalog_relation
  FOR EACH STATEMENT EXECUTE FUNCTION cb_catalog_note_change();
"""

BACKWARDS = """
DROP TRIGGER IF EXISTS cb_catalog_entity_changed ON cb_catalog_entity;
DROP TRIGGER IF EXISTS cb_catalog_relation_changed ON cb_catalog_relation;
DROP FUNCTION IF EXISTS cb_catalog_note_change();
"""


class Migration(migrations.Migration):
    """Name each state of the catalog, so that answers can be kept for as long as it lasts."""

    dependencies = [
        ("cb_catalog", "0005_lease_by"),
    ]

    operations = [
        migrations.CreateModel(
            name="State",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("token", models.UUIDField(default=uuid.uuid4)),
            ],
            options={"db_table": "cb_catalog_state"},
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
