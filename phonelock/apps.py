from django.apps import AppConfig


class PhonelockConfig(AppConfig):
    name = "phonelock"
    verbose_name = "Phone lock"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from phonelock import checks  # noqa: F401, PLC0415 - registers what start-up verifies
