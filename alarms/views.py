"""The outbox: every mail with its state and, without a mail server, its only reader."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin

from alarms.forms import OutboxFilterForm
from alarms.models import OutboxMessage
from alarms.operations.again import GIVEN_UP, send_again
from alarms.queries.mail_server import mail_channel, mail_server_away_since
from alarms.queries.outbox import outbox
from directory.views import AdministratorsOnly, ScopedAction, ScopedPage, page_of
from kernel.clock import now

HARMLESS = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["data:"],
    "frame-ancestors": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "sandbox": ["allow-popups"],
}
"""A mail's own page may show itself and do nothing else: no script, no connection."""


class Outbox(AdministratorsOnly, ScopedPage):
    """All mails, newest first."""

    template_name = "alarms/outbox.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = OutboxFilterForm(self.request.GET)
        words = form.cleaned_data if form.is_valid() else {}
        return super().get_context_data(
            form=form,
            page=page_of(self.request, outbox(**words), size=20),
            has_server=mail_channel() is not None,
            away=mail_server_away_since(),
            **kwargs,
        )


class Mail(AdministratorsOnly, ScopedPage):
    """One mail: to whom, in which state, as text and as it looks."""

    template_name = "alarms/mail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        mail = get_object_or_404(outbox(), pk=kwargs["pk"])
        is_given_up = mail.state in GIVEN_UP
        return super().get_context_data(mail=mail, is_given_up=is_given_up, **kwargs)


class SendAgain(AdministratorsOnly, ScopedAction):
    """A second chance for a mail that was given up."""

    back_to = reverse_lazy("alarms:outbox")

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        mail = get_object_or_404(outbox(), pk=kwargs["pk"])
        sent = send_again(outbox_id=mail.pk, now=now())
        return _("The mail to %(address)s waits to be sent.") % {"address": sent.recipient}


@method_decorator(xframe_options_sameorigin, name="dispatch")
@method_decorator(csp_replace(HARMLESS), name="dispatch")
class MailPreview(AdministratorsOnly):
    """The mail's HTML by itself, for the frame on the mail's page."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        mail = get_object_or_404(OutboxMessage, pk=kwargs["pk"])
        return HttpResponse(mail.html_body)
