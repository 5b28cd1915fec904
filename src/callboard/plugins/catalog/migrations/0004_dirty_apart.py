from django.db import migrations, models


class Migration(migrations.Migration):
    """Keep who has to be stitched in a table of its own; nothing here rewrites the entity table."""

    dependencies = [
        ("cb_catalog", "0003_saved_views"),
    ]

    operations = [
        migrations.CreateModel(
            name="Dirty",
            fields=[("ref", models.TextField(primary_key=True, serialize=False))],
            options={"db_table": "cb_catalog_dirty"},
        ),
        migrations.RunSQL(
            "INSERT INTO cb_catalog_dirty (ref) SELECT ref FROM cb_catalog_entity WHERE dirty",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveIndex(model_name="entity", name="cb_catalog_entity_dirty"),
        migrations.RemoveField(model_name="entity", name="dirty"),
    ]
