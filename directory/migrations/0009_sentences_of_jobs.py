from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0008_contacts"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="sentences",
            field=models.JSONField(default=dict, blank=True, help_text="both, for any language"),
        ),
    ]
