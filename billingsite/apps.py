from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class BillingsiteConfig(AppConfig):
    name = "billingsite"
    verbose_name = "Site"
    default_auto_field = "django.db.models.BigAutoField"


class AdministrationConfig(admin_apps.AdminConfig):
    """Django's admin with our own door (`billingsite.administration`)."""

    default = False
    default_site = "billingsite.administration.Administration"
