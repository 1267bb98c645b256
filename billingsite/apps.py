from django.apps import AppConfig


class BillingsiteConfig(AppConfig):
    name = "billingsite"
    verbose_name = "Site"
    default_auto_field = "django.db.models.BigAutoField"
