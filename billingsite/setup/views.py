"""The set-up's door, its checklist, and the steps about the installation itself."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account import views as account
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views import View

from alarms.operations.trial import MailNotTaken, send_trial
from alarms.queries.mail_server import config_of, mail_config
from billingsite.models import SetupKey
from billingsite.setup.claim import (
    SESSION_KEY,
    has_administrator,
    is_the_token,
    is_untouched,
    spend_token,
)
from billingsite.setup.company import System, present_system
from billingsite.setup.countries import country_of_browser, defaults_of
from billingsite.setup.demo_data import has_demo, may_load_demo
from billingsite.setup.forms import AdministratorForm, LanguageForm, MailForm
from billingsite.setup.kept_files import KeptFile, kept_file
from billingsite.setup.pages import SetupView, StepPage
from billingsite.setup.steps import DONE, OPEN, leave_out, remember, standings
from cdr.models import Delivery
from directory.installation import choose, stored_installation
from directory.models import Role, Site, User
from directory.queries.homes import installation_currency, installation_language, installation_zone
from directory.views.base import page_it_was_on
from directory.views.look import remember_language

logger = logging.getLogger(__name__)

BACKEND = "django.contrib.auth.backends.ModelBackend"


class Start(View):
    """The address that the terminal printed: its word is worth a session, once."""

    http_method_names = ["get", "head", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if has_administrator():
            messages.info(request, _("The set-up has been claimed. Sign in as administrator."))
            checklist = reverse("setup:checklist")
            is_somebody = request.user.is_authenticated
            return redirect(checklist) if is_somebody else redirect_to_login(checklist)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        if not is_the_token(token):
            logger.warning("somebody came to the set-up with a wrong word")
            return render(request, "setup/closed.html", {"was_wrong": True}, status=403)
        request.session.cycle_key()
        request.session[SESSION_KEY] = token
        return redirect("setup:language")


def sign_in(request: HttpRequest) -> HttpResponseBase:
    """The sign-in page; where there is nobody to sign in yet, the set-up says what to do."""
    if request.method in ("GET", "HEAD") and is_untouched():
        return redirect("setup:checklist")
    answer: HttpResponseBase = account.login(request)
    return answer


class Checklist(SetupView):
    """Step 9: what is done, what is open, and where to do it."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        known = standings(self.reader)
        open_ones = [each for each in known if each.state == OPEN]
        done = sum(each.state == DONE for each in known)
        system, sample = present_system(), kept_file("sample")
        return render(
            request,
            "setup/checklist.html",
            {
                "standings": known,
                "open_ones": open_ones,
                "next_one": open_ones[0].step if open_ones else None,
                "done": done,
                "of": len(known),
                "system": system,
                "sample": sample,
                "is_imported": _is_imported(system, sample),
                "has_demo": has_demo(),
                "may_load_demo": may_load_demo(),
            },
        )


def _is_imported(system: System | None, sample: KeptFile | None) -> bool:
    """Whether a file of the sample's name has come in by the source."""
    if system is None or sample is None:
        return False
    return Delivery.objects.filter(source=system.source, name=sample.name).exists()


class PutAway(SetupView):
    """The reminder on every page is put away."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        leave_out(SetupKey.BANNER, note="", at=self.at, by=self.by)
        messages.success(
            request,
            _("The reminder is put away. The checklist stays under Administration, Set-up."),
        )
        return HttpResponseRedirect(page_it_was_on(request) or "/")


class LanguagePage(StepPage):
    """Step 1."""

    key = SetupKey.LANGUAGE
    template_name = "setup/language.html"
    is_open_to_first = True

    def forms(self, request: HttpRequest | None) -> dict[str, Any]:
        chosen = stored_installation()
        usual = defaults_of(
            country_of_browser(self.request.headers.get("Accept-Language", "")) or "ZZ"
        )
        is_chosen = bool(chosen.time_zone) or Site.objects.exists()
        initial = {
            "language": chosen.language or translation.get_language() or "en",
            "time_zone": installation_zone() if is_chosen else usual.zone,
            "currency": installation_currency() if is_chosen else usual.currency,
        }
        return {"form": LanguageForm(request.POST if request else None, initial=initial)}

    def more_context(self) -> dict[str, Any]:
        if self.reader is None:
            return {}
        return {"has_demo": has_demo(), "may_load_demo": may_load_demo()}

    def save(self, *, form: LanguageForm) -> HttpResponse:
        values = form.cleaned_data
        language = values["language"]
        choose(language=language, time_zone=values["time_zone"], currency=values["currency"])
        remember(SetupKey.LANGUAGE, at=self.at, by=self.by)
        if self.reader is not None:
            User.objects.filter(pk=self.reader.pk).update(language=language)
        with translation.override(language):
            response = self.gone_on(_("Saved."))
        if self.reader is None:
            remember_language(response, language)
        return response


class AdministratorPage(StepPage):
    """Step 2: whoever came with the printed address becomes the first administrator."""

    key = SetupKey.ADMINISTRATOR
    template_name = "setup/administrator.html"
    is_open_to_first = True

    def forms(self, request: HttpRequest | None) -> dict[str, Any]:
        return {"form": AdministratorForm(request.POST if request else None)}

    def more_context(self) -> dict[str, Any]:
        is_one = User.objects.filter(role=Role.ADMIN, is_active=True)
        return {"administrators": list(is_one.order_by("username")[:20])}

    def save(self, *, form: AdministratorForm) -> HttpResponse:
        is_first = self.reader is None
        with transaction.atomic():
            user: User = form.save(commit=False)
            user.role, user.is_staff = Role.ADMIN, True
            user.language = installation_language() if is_first else ""  # he spoke it in step 1
            user.save()
            remember(SetupKey.ADMINISTRATOR, at=self.at, by=self.by)
        if not is_first:
            return self.gone_on(_("%(name)s may sign in as administrator.") % {"name": user})
        spend_token()  # not before he is stored: else nobody could come in any more
        self.request.session.flush()
        login(self.request, user, backend=BACKEND)
        return self.gone_on(_("Welcome, %(name)s. You are signed in.") % {"name": user})


class MailPage(StepPage):
    """Step 3."""

    key = SetupKey.MAIL
    template_name = "setup/mail.html"
    tests_outside = True

    def forms(self, request: HttpRequest | None) -> dict[str, Any]:
        kept = stored_installation().mail
        initial = {
            "host": kept.host,
            "port": kept.port or None,
            "security": kept.security if kept.host else "starttls",
            "username": kept.username,
            "sender": kept.sender,
            "recipient": self.reader.email if self.reader else "",
        }
        is_trial = request is not None and request.POST.get("action") == "test"
        data = request.POST if request else None
        return {"form": MailForm(data, initial=initial, is_trial=is_trial)}

    def more_context(self) -> dict[str, Any]:
        return {
            "is_from_environment": settings.MAIL_CONFIGURED,
            "server": mail_config() if settings.MAIL_CONFIGURED else None,
        }

    def save(self, *, form: MailForm) -> HttpResponse:
        if not settings.MAIL_CONFIGURED:
            choose(mail=form.stored())
        remember(SetupKey.MAIL, at=self.at, by=self.by)
        return self.gone_on(_("Saved. Mails that wait go out within a minute."))

    def test(self, *, form: MailForm) -> HttpResponse:
        config = mail_config() if settings.MAIL_CONFIGURED else config_of(form.stored())
        if config is None:
            return self.shown(form=form)
        recipient = form.cleaned_data["recipient"]
        trial: dict[str, Any] = {"server": f"{config.host}:{config.port}", "recipient": recipient}
        try:
            reply = send_trial(
                config,
                recipient=recipient,
                subject=_("Test mail from Tollgate"),
                text=_("This mail shows that Tollgate can send mails by %(server)s.")
                % {"server": config.host},
                language=translation.get_language() or "en",
                at=self.at,
            )
        except MailNotTaken as refusal:
            trial |= {"is_sent": False, "answer": refusal.message}
        else:
            trial |= {"is_sent": True, "answer": reply.reason}
        return self.shown(form=form, trial=trial)
