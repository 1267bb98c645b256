"""The administrators' place for set-up: who gets in is decided by role, not by Django's groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from directory.modules import is_on
from directory.roles import is_administrator

OUR_APPS = frozenset({"directory", "cdr", "budgets", "phonelock", "alarms", "reports"})


class Administration(AdminSite):
    """The set-up pages. One sign-in for the whole site, so its limits hold here too.

    Only our own models are shown: what libraries register along (tokens in clear,
    worker schedules) is set up by code.
    """

    site_title = _("Tollgate set-up")
    site_header = _("Tollgate set-up")
    index_title = _("Set-up and facts")

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")  # what hangs on a row is looked at one by one

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        models: Iterable[type[Model]] = (
            model_or_iterable if isinstance(model_or_iterable, Iterable) else [model_or_iterable]
        )
        ours = [model for model in models if model._meta.app_label in OUR_APPS]
        super().register(ours, admin_class, **options)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The apps whose rows can be set up; not those of modules that are switched off."""
        apps = super().get_app_list(request, app_label)
        return [app for app in apps if is_on(app["app_label"])]

    def has_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request.user)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send strangers to the site's own sign-in; refuse people without the role.

        Raises:
            PermissionDenied: for somebody signed in who is not an administrator.
        """
        target = request.GET.get("next") or reverse("admin:index", current_app=self.name)
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(target)
