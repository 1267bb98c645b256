"""One form for every error of the programming interface: `{"code", "detail", "errors"}`."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from directory.pace import TooManySearches
from kernel.errors import DomainError

CONFLICT = 409
TOO_MANY = 429


def one_form(exc: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to `exc`; None for what is a bug, which rises as usual."""
    if isinstance(exc, DomainError):
        status = TOO_MANY if isinstance(exc, TooManySearches) else CONFLICT
        return Response({"code": exc.code, "detail": exc.message}, status=status)
    response = exception_handler(exc, context)
    if response is None:
        return None
    if isinstance(exc, ValidationError):
        response.data = {
            "code": "invalid",
            "detail": "Some parameters cannot be used.",
            "errors": response.data,
        }
    else:
        code = exc.get_codes() if isinstance(exc, APIException) else "not_found"
        detail = response.data.get("detail", "") if isinstance(response.data, dict) else ""
        response.data = {"code": code if isinstance(code, str) else "error", "detail": detail}
    return response
