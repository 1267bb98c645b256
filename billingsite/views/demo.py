"""Signing in to the demo by a click on one of its people."""

from __future__ import annotations

from pathlib import Path

from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.views import View

from billingsite.demo import load
from billingsite.demo.doors import cards
from directory.accounts import SignInForm


class SignInToDemo(View):
    """The sign-in form filled in with the demo's own password, and sent: all its rules hold.

    Nobody whose password is another one comes in this way.
    """

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        names = {card.username for card in cards()}
        if request.POST.get("who") not in names:
            raise Http404
        password = load.password(Path(settings.DATA_DIR))
        form = SignInForm({"login": request.POST["who"], "password": password}, request=request)
        if not form.is_valid():
            messages.error(
                request,
                gettext("This password was changed. Type the new one, or choose somebody else."),
            )
            return HttpResponseRedirect(settings.LOGIN_URL)
        answer: HttpResponse = form.login(request, redirect_url=get_next_redirect_url(request))
        return answer
