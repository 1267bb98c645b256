"""Choices about the pages themselves: their look and their language."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views import View

from directory.models import Preferences, Theme, User
from directory.views.base import SignedIn, page_it_was_on

COOKIE_AGE = int(timedelta(days=365).total_seconds())


class ChooseTheme(SignedIn):
    """Light, dark, or like the device."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("theme") in Theme.values:
            Preferences.objects.update_or_create(
                user=self.reader, defaults={"theme": request.POST["theme"]}
            )
        return HttpResponseRedirect(page_it_was_on(request) or "/")


class ChooseLanguage(View):
    """The language of pages and mails: kept with the person, or in a cookie for strangers.

    A person's choice leaves no cookie behind: whoever signs in with the same browser later,
    and has chosen nothing, is not spoken to in it.
    """

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        language = request.POST.get("language", "")
        response = HttpResponseRedirect(page_it_was_on(request) or "/")
        if language not in dict(settings.LANGUAGES):
            return response
        if isinstance(request.user, User) and request.user.is_authenticated:
            User.objects.filter(pk=request.user.pk).update(language=language)
        else:
            remember_language(response, language)
        return response


def remember_language(response: HttpResponse, language: str) -> None:
    """Let this browser be spoken to in `language` while nobody is signed in."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=COOKIE_AGE,
        secure=settings.SECURE_COOKIES,
        httponly=True,
        samesite="Lax",
    )
