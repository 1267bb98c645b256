"""One id for each request: in the answer's headers, in the log, and on error pages.

Somebody who reports an error names the id, and the log lines of that request are found.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase

HEADER = "X-Request-ID"
_WELL_FORMED = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)
_present: ContextVar[str] = ContextVar("request_id", default="")


def present_id() -> str:
    """The id of the request being answered; empty outside of one."""
    return _present.get()


class RequestIds:
    """Gives every request an id; one that a proxy in front has given is kept."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        name = given if _WELL_FORMED.fullmatch(given) else uuid4().hex[:12]
        token = _present.set(name)
        try:
            response = self.get_response(request)
        finally:
            _present.reset(token)
        response.headers[HEADER] = name
        return response


class NameRequest(logging.Filter):
    """Puts the request's id into every log line; a dash where there is none."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = present_id() or "-"
        return True
