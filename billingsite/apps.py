from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.core.checks import register


class BillingsiteConfig(AppConfig):
    name = "billingsite"
    verbose_name = "Site"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from billingsite.auditing import register as log_changes  # noqa: PLC0415 - models first
        from billingsite.checks import (  # noqa: PLC0415 - settings first
            settings_that_must_hold,
            sqlite_is_for_one_machine,
        )
        from billingsite.field_words import name_fields  # noqa: PLC0415 - models first

        name_fields()
        log_changes()
        register(settings_that_must_hold)
        register(sqlite_is_for_one_machine, deploy=True)


class AdministrationConfig(admin_apps.AdminConfig):
    """Django's admin with our own door (`billingsite.administration`)."""

    default = False
    default_site = "billingsite.administration.Administration"
