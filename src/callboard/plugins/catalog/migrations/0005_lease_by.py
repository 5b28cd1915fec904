from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cb_catalog", "0004_dirty_apart")]

    operations = [
        migrations.AddField(
            model_name="source",
            name="lease_by",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
