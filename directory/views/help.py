"""Help, in the same place everywhere, and what makes the site an app on a phone or desk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import get_language, get_language_bidi, gettext
from django.views import View
from django.views.generic import TemplateView

from directory.definitions import DEFINITIONS
from directory.models import Role, User
from directory.roles import role_of
from directory.views.base import ScopedPage
from kernel.version import VERSION

ICON_SIZES = (192, 512)


class Help(ScopedPage):
    """Keys, figures, signs and roles, and whom to ask."""

    template_name = "directory/help.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        figures = sorted(DEFINITIONS.values(), key=lambda each: str(each.label).casefold())
        administrators = User.objects.filter(is_active=True, role=Role.ADMIN).exclude(email="")
        return super().get_context_data(
            figures=figures,
            roles=list(Role),
            role_now=role_of(self.reader),
            administrators=administrators.order_by("last_name", "pk")[:3],
            version=VERSION,
            **kwargs,
        )


class Manifest(View):
    """What a browser needs to install the site as an app, in the reader's language."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        icons = [
            {
                "src": staticfiles_storage.url(f"icons/tollgate-{size}.png"),
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": purpose,
            }
            for size in ICON_SIZES
            for purpose in ("any", "maskable")
        ]
        return JsonResponse(
            {
                "name": "Tollgate",
                "short_name": "Tollgate",
                "description": gettext("Calls, budgets and phone lock"),
                "id": "/",
                "start_url": "/",
                "scope": "/",
                "display": "standalone",
                "lang": get_language() or "en",
                "dir": "rtl" if get_language_bidi() else "ltr",
                "background_color": "#f6f8fb",
                "theme_color": "#1a56b0",
                "icons": icons,
                "shortcuts": [
                    {"name": gettext("Calls"), "url": reverse("cdr:calls")},
                    {"name": gettext("Help"), "url": reverse("directory:help")},
                ],
            },
            content_type="application/manifest+json",
        )


class ServiceWorker(View):
    """The script that shows the offline page when the network is away; it keeps nothing else.

    It is served from the root, because it may only speak for what lies below it.
    """

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        path = finders.find("offline.js")
        assert isinstance(path, str)  # noqa: S101 - a file of our own
        script = Path(path).read_text(encoding="utf-8")
        return HttpResponse(script, content_type="text/javascript; charset=utf-8")


class Offline(TemplateView):
    """Shown by the browser itself when the site cannot be reached."""

    template_name = "offline.html"
    http_method_names = ["get", "head", "options"]
