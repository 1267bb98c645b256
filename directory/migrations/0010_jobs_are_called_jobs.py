from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0009_sentences_of_jobs"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="job",
            options={"verbose_name": "job", "verbose_name_plural": "jobs"},
        ),
    ]
