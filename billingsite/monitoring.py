"""Answers what monitoring asks before sessions, languages and host names come into play."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from billingsite.health import live, ready
from billingsite.metrics import metrics

PATHS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/health": ready,
    "/health/ready": ready,
    "/health/live": live,
    "/metrics": metrics,
}


class MonitoringFirst:
    """Stands near the top of MIDDLEWARE: a probe asks by an address of its own, and is
    answered also while the database is away."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = PATHS.get(request.path_info.rstrip("/"))
        return view(request) if view else self._get_response(request)
