"""Gives each request the one scope of its reader."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from directory.scoping import Scope, scope_of
from kernel.clock import now


class ScopeMiddleware:
    """Sets `request.directory_scope`, worked out when it is first looked at.

    Stands behind the authentication middleware; a request without a user has a scope
    that reaches nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        def scope() -> Scope:
            return scope_of(getattr(request, "user", None), at=now())

        request.directory_scope = SimpleLazyObject(scope)  # type: ignore[attr-defined]
        return self.get_response(request)
