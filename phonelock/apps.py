from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PhonelockConfig(AppConfig):
    name = "phonelock"
    verbose_name = _("Phone lock")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from phonelock import checks  # noqa: F401, PLC0415 - registers what start-up verifies
