from django.db import migrations, models

LANGUAGES = [
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("it", "Italiano"),
    ("ar", "العربية"),
]


class Migration(migrations.Migration):
    """A site may have a language, and a person may have chosen none."""

    dependencies = [("directory", "0006_number_searches")]

    operations = [
        migrations.AddField(
            model_name="site",
            name="language",
            field=models.CharField(
                blank=True,
                choices=[("", "as the installation"), *LANGUAGES],
                help_text="of people here who chose none, where no browser says: in mails and files",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="language",
            field=models.CharField(
                blank=True, choices=[("", "not chosen"), *LANGUAGES], max_length=8
            ),
        ),
    ]
