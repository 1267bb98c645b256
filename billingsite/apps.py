from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.core.checks import register


class BillingsiteConfig(AppConfig):
    name = "billingsite"
    verbose_name = "Site"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from billingsite.checks import settings_that_must_hold  # noqa: PLC0415 - settings first

        register(settings_that_must_hold)


class AdministrationConfig(admin_apps.AdminConfig):
    """Django's admin with our own door (`billingsite.administration`)."""

    default = False
    default_site = "billingsite.administration.Administration"
