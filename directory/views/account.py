"""The account of whoever is signed in: how he reads, how he signs in, what may act for him."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.utils import timezone, translation
from django.utils.translation import gettext, ngettext

from directory.forms.account import LooksForm, TokenForm, WordsForm, zones
from directory.mask_rules import mask_rules
from directory.models import Role
from directory.operations import account
from directory.operations.tokens import make_token, revoke_token, revoke_tokens, tokens_of
from directory.preferences import preferences_of
from directory.queries.languages import language_of
from directory.queries.units import lines_of, membership_at
from directory.reader import browser_language
from directory.roles import role_of
from directory.scoping import request_scope, units_visible_to
from directory.views.base import ScopedAction, ScopedPage, SignedIn
from kernel.clock import now
from kernel.errors import DomainError

UNITS_SHOWN = 12
# The first sign that is found counts: most browsers claim to be several.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


class Account(ScopedPage):
    """Everything that is the reader's own to choose, on one page."""

    template_name = "directory/account.html"
    http_method_names = ["get", "post", "head", "options"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope = request_scope(self.request)
        reader = self.reader
        units = units_visible_to(scope).order_by("kind", "path")
        forms = {
            "words_form": WordsForm(reader=reader),
            "looks_form": LooksForm.of(preferences_of(self.request)),
        }
        return super().get_context_data(
            **{
                **forms,
                "role": Role(role_of(reader) or Role.USER).label,
                "lines": list(lines_of(reader, at=scope.at)),
                "membership": membership_at(reader, at=scope.at),
                "units": ", ".join(unit.path for unit in units[:UNITS_SHOWN])
                if role_of(reader) is Role.SUPERVISOR
                else "",
                "zones": zones(),
                "zone_now": timezone.get_current_timezone_name(),
                "mask": mask_rules(reader, scope),
                "has_second_factor": Authenticator.objects.filter(user=reader).exists(),
                "sees_everything": scope.sees_everything,
                "tokens": tokens_of(reader),
                "token_form": TokenForm(),
                **kwargs,
            }
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Save one of the two forms; what does not fit is shown again."""
        is_looks = request.POST.get("form") == "looks"
        form: forms.Form = LooksForm(request.POST)
        if not is_looks:
            form = WordsForm(request.POST, reader=self.reader)
        if not form.is_valid():
            name = "looks_form" if is_looks else "words_form"
            context = self.get_context_data(**{name: form})
            return render(request, self.template_name, context, status=422)
        save: Callable[..., None] = account.choose_looks if is_looks else account.choose_words
        save(self.reader, **form.cleaned_data)
        response = HttpResponseRedirect(reverse("directory:account"))
        if not self.reader.language:  # what was once picked in this browser is not its own wish
            request.COOKIES.pop(settings.LANGUAGE_COOKIE_NAME, None)
            response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        with translation.override(language_of(self.reader, browser=browser_language(request))):
            messages.success(request, gettext("Saved. It counts from now on."))
        return response


class Sessions(ScopedPage):
    """Where the reader is signed in."""

    template_name = "directory/account_sessions.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        present = self.request.session.session_key
        found = [
            {
                "id": each.pk,
                "browser": browser_of(each.user_agent),
                "address": each.ip,
                "began_at": each.created_at,
                "is_this": each.session_key == present,
            }
            for each in account.sessions_of(self.reader)
        ]
        return super().get_context_data(
            sessions=found,
            has_others=any(not each["is_this"] for each in found),
            has_tokens=bool(tokens_of(self.reader)),
            hours=settings.SESSION_COOKIE_AGE // 3600,
            **kwargs,
        )


class EndSession(ScopedAction):
    """Sign one of one's own browsers out."""

    back_to = reverse_lazy("directory:sessions")

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        account.end_session(self.reader, session_id=kwargs["pk"])
        return gettext("That browser is signed out.")


class EndOtherSessions(ScopedAction):
    """Sign out everywhere else; with `everywhere`, here too; with `tokens`, programs as well."""

    back_to = reverse_lazy("directory:sessions")

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        if not request.POST.get("tokens"):
            return self._sign_out(request)
        revoke_tokens(self.reader)
        revoked = gettext("Your tokens are revoked: programs that use them are refused.")
        return f"{self._sign_out(request)} {revoked}"

    def _sign_out(self, request: HttpRequest) -> str:
        if request.POST.get("everywhere"):
            account.end_other_sessions(self.reader, keep=None)
            logout(request)
            return gettext("You are signed out everywhere.")
        ended = account.end_other_sessions(self.reader, keep=request.session.session_key)
        return ngettext(
            "%(ended)s other session was ended.", "%(ended)s other sessions were ended.", ended
        ) % {"ended": ended}


class MakeToken(SignedIn):
    """A new token; its text is on the answer to this POST and nowhere else."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        form = TokenForm(request.POST)
        if not form.is_valid():
            messages.error(request, gettext("Give the token a name of at most 100 letters."))
            return HttpResponseRedirect(reverse("directory:account") + "#tokens")
        try:
            token, text = make_token(self.reader, name=form.cleaned_data["name"], at=now())
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(reverse("directory:account") + "#tokens")
        context = {"token": token, "text": text, "site": settings.SITE_URL.rstrip("/")}
        return render(request, "directory/account_token.html", context)


class RevokeToken(ScopedAction):
    """Take one of one's own tokens away."""

    back_to = reverse_lazy("directory:account")

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        token = revoke_token(self.reader, token_id=kwargs["pk"])
        return gettext("The token “%(name)s” is revoked: programs that use it are refused.") % {
            "name": token.name
        }


def browser_of(agent: str) -> str:
    """A browser and its system, as people call them; the first part of what it says of itself."""
    browser = next((words for sign, words in BROWSERS if sign in agent), "")
    system = next((words for sign, words in SYSTEMS if sign in agent), "")
    if browser and system:
        return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or agent[:40] or gettext("unknown browser")
