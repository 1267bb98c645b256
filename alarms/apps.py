from django.apps import AppConfig


class AlarmsConfig(AppConfig):
    name = "alarms"
    verbose_name = "Alarms and mail"
    default_auto_field = "django.db.models.BigAutoField"
