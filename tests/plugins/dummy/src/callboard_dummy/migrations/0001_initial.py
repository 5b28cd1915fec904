from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Thing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("owner", models.CharField(blank=True, max_length=300)),
                ("announced", models.BooleanField(default=False)),
            ],
            options={"db_table": "cb_dummy_thing"},
        ),
    ]
