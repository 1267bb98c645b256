"""Switches' questions before every other middleware, where no WSGI front answers them."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from phonelock.curri.desk import ROOT
from phonelock.views.curri import curri


class AdmissionFirst:
    """Answers `/curri/` at once: no host check, session, language or database in between.

    Stands first in MIDDLEWARE: a switch that calls us by a host name not listed in
    ALLOWED_HOSTS still gets a protocol answer, never an error page (reliability A3).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path == ROOT or path.startswith(ROOT + "/"):
            return curri(request, path.removeprefix(ROOT).removeprefix("/"))
        return self._get_response(request)
