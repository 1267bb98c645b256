"""What stands between a request and its page: sign-in that ran out, missing second factors, modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django_htmx.http import HttpResponseClientRedirect

from directory.modules import is_on, module_of
from directory.roles import is_administrator

Answer = Callable[[HttpRequest], HttpResponseBase]


class SignInAgain:
    """Sends a page whose sign-in ran out to the sign-in page, and back to itself afterwards.

    htmx asks for parts of a page; sent to sign in like a page it would put the sign-in
    form into the middle of the old one.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not getattr(request, "htmx", None) or not isinstance(response, HttpResponseRedirect):
            return response
        if urlsplit(response.url).path != settings.LOGIN_URL:
            return response
        page = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(f"{settings.LOGIN_URL}?{urlencode({'next': page})}")


def lacks_second_factor(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether `user` is an administrator who has no second factor where one is a duty."""
    is_duty = settings.MFA_REQUIRED_FOR_ADMINS and is_administrator(user)
    return is_duty and not is_mfa_enabled(user)


class SecondFactorForAdministrators:
    """With `MFA_REQUIRED_FOR_ADMINS`, administrators set up a second factor before anything else.

    Tokens of the programming interface are looked at where they are read.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if self._is_open(request) or not lacks_second_factor(request.user):
            return self.get_response(request)
        if request.path.startswith("/api/"):
            return HttpResponse(status=403)
        messages.warning(
            request,
            gettext("Administrators need a second factor here. Set yours up to go on."),
        )
        return HttpResponseRedirect(reverse("mfa_activate_totp"))

    @staticmethod
    def _is_open(request: HttpRequest) -> bool:
        """Signing in and out, setting the factor up, and switching the language on the way."""
        open_paths = ("/accounts/", settings.STATIC_URL, "/health/", "/account/language/")
        return request.path.startswith(open_paths)


class Modules:
    """Pages of a module that is switched off do not exist."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> None:
        """Raise 404 for a view of a module that is off."""
        name = request.resolver_match.url_name if request.resolver_match else None
        if not is_on(module_of(view, name=name or "")):
            raise Http404
