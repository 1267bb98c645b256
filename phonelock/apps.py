from django.apps import AppConfig


class PhonelockConfig(AppConfig):
    name = "phonelock"
    verbose_name = "Phone lock"
    default_auto_field = "django.db.models.BigAutoField"
