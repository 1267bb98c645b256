from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class CdrConfig(AppConfig):
    name = "cdr"
    verbose_name = _("Calls and tariffs")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cdr.checks import call_drivers_resolve  # noqa: PLC0415 - models must be loaded first

        register(call_drivers_resolve)
