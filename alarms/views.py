"""The outbox: every mail with its state and, without a mail server, its only reader."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_replace
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.clickjacking import xframe_options_sameorigin

from alarms.forms import AGAIN, ManyForm, OutboxFilterForm
from alarms.models import GIVEN_UP, UNSETTLED, MailState, OutboxMessage
from alarms.operations.addresses import clear_address, is_suppressed
from alarms.operations.again import (
    CANCELLABLE,
    cancel,
    cancel_many,
    send_again,
    send_many_again,
)
from alarms.queries.mail_server import mail_channel, mail_server_away_since
from alarms.queries.outbox import events_of, outbox
from directory.preferences import remembered_size
from directory.templatetags.figures import whole
from directory.views.base import PAGE_SIZES, AdministratorsOnly, ScopedAction, ScopedPage, page_of
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


MOODS = {
    MailState.PENDING: "info",
    MailState.SENDING: "info",
    MailState.SENT: "good",
    MailState.RETRY: "warn",
    MailState.FAILED: "bad",
    MailState.BOUNCED: "bad",
    MailState.EXPIRED: "warn",
    MailState.SUPPRESSED: "quiet",
    MailState.CANCELLED: "quiet",
}


class Outbox(AdministratorsOnly, ScopedPage):
    """All mails, newest first."""

    template_name = "alarms/outbox.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = OutboxFilterForm(self.request.GET)
        words = form.cleaned_data if form.is_valid() else {}
        size = remembered_size(self.request, "outbox", among=PAGE_SIZES, default=20)
        page = page_of(self.request, outbox(**words), size=size)
        return super().get_context_data(
            form=form,
            page=page,
            rows=[{"mail": mail, "mood": MOODS[MailState(mail.state)]} for mail in page],
            sizes=PAGE_SIZES,
            size=size,
            is_narrowed=any(words.values()),
            has_server=mail_channel() is not None,
            away=mail_server_away_since(),
            **kwargs,
        )


class Mail(AdministratorsOnly, ScopedPage):
    """One mail: to whom, in which state, what happened to it, as text and as it looks."""

    template_name = "alarms/mail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        mail = get_object_or_404(outbox(), pk=kwargs["pk"])
        return super().get_context_data(
            mail=mail,
            mood=MOODS[MailState(mail.state)],
            entries=timeline_of(mail),
            is_given_up=mail.state in GIVEN_UP,
            is_waiting=mail.state in UNSETTLED,
            can_cancel=mail.state in CANCELLABLE,
            is_refused=is_suppressed(mail.recipient),
            **kwargs,
        )


def timeline_of(mail: OutboxMessage) -> list[dict[str, Any]]:
    """What happened to the mail, newest first, down to its being written."""
    entries = [
        {
            "moment": event.made_at,
            "words": event_words(MailState(event.became)),
            "detail": event.said,
            "by": event.by,
            "mood": MOODS[MailState(event.became)],
        }
        for event in events_of(mail)
    ]
    written = {"moment": mail.created_at, "words": _("Written"), "mood": "quiet"}
    return [*entries, written]


def event_words(became: MailState) -> str:
    """What happened, in words, by the state that it led to."""
    return {
        MailState.PENDING: _("Put back into the queue"),
        MailState.SENDING: _("Taken to be sent"),
        MailState.SENT: _("Taken by the mail server"),
        MailState.RETRY: _("Refused for now, to be tried again"),
        MailState.FAILED: _("Given up"),
        MailState.BOUNCED: _("Returned by the other side"),
        MailState.EXPIRED: _("Too old to be of use"),
        MailState.SUPPRESSED: _("Held back"),
        MailState.CANCELLED: _("Cancelled"),
    }[became]


class SendAgain(AdministratorsOnly, ScopedAction):
    """A second chance for a mail that was given up."""

    back_to = reverse_lazy("alarms:outbox")

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        mail = get_object_or_404(outbox(), pk=kwargs["pk"])
        sent = send_again(outbox_id=mail.pk, now=now(), by=self.reader.username)
        return _("The mail to %(address)s waits to be sent.") % {"address": sent.recipient}


class Cancel(AdministratorsOnly, ScopedAction):
    """Give up a mail that waits."""

    back_to = reverse_lazy("alarms:outbox")

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        mail = get_object_or_404(outbox(), pk=kwargs["pk"])
        cancelled = cancel(outbox_id=mail.pk, now=now(), by=self.reader.username)
        return _("The mail to %(address)s is not sent.") % {"address": cancelled.recipient or "—"}


class ClearAddress(AdministratorsOnly, ScopedAction):
    """Let mail go again to the address of one, which had refused mail for good."""

    back_to = reverse_lazy("alarms:outbox")

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        mail = get_object_or_404(outbox(), pk=kwargs["pk"])
        words = {"address": mail.recipient or "—"}
        if not clear_address(mail.recipient):
            return _("%(address)s is not refused: mail goes there.") % words
        return _("Mail goes to %(address)s again. What was held back has to be sent again.") % words


class DoToMany(AdministratorsOnly):
    """Send again or cancel the mails that were ticked, after a page that says how many."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = ManyForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Tick at least one mail first."))
            return redirect("alarms:outbox")
        action, ids = form.cleaned_data["action"], form.cleaned_data["mail"]
        if "confirmed" not in request.POST:
            return render(request, "alarms/outbox_many.html", _asked(action, ids))
        do = send_many_again if action == AGAIN else cancel_many
        report = do(ids, now=now(), by=self.reader.username)
        if report.done:
            words = (
                ngettext(
                    "%(count)s mail waits to be sent.",
                    "%(count)s mails wait to be sent.",
                    report.done,
                )
                if action == AGAIN
                else ngettext(
                    "%(count)s mail was cancelled.", "%(count)s mails were cancelled.", report.done
                )
            )
            messages.success(request, words % {"count": whole(report.done)})
        if report.left:
            words = ngettext(
                "%(count)s mail stays as it was: %(why)s",
                "%(count)s mails stay as they were, most for this: %(why)s",
                report.left,
            )
            why = report.refused.most_common(1)[0][0]
            messages.warning(request, words % {"count": whole(report.left), "why": why})
        return redirect("alarms:outbox")


def _asked(action: str, ids: list[int]) -> dict[str, Any]:
    """What the page before it says: the number and the effect."""
    count = len(ids)
    is_again = action == AGAIN
    words = (
        ngettext("Send %(count)s mail again?", "Send %(count)s mails again?", count)
        if is_again
        else ngettext("Cancel %(count)s mail?", "Cancel %(count)s mails?", count)
    )
    return {
        "question": words % {"count": whole(count)},
        "effect": _("Those that did not arrive are tried anew, to their people's present address.")
        if is_again
        else _("Those that wait are not sent. The budgets' histories say so."),
        "action": _("Send again") if is_again else _("Cancel them"),
        "kept": [("action", action), ("confirmed", "1"), *(("mail", key) for key in ids)],
        "back": reverse("alarms:outbox"),
        "is_harmless": is_again,
    }


@method_decorator(xframe_options_sameorigin, name="dispatch")
@method_decorator(csp_replace(HARMLESS), name="dispatch")
class MailPreview(AdministratorsOnly):
    """The mail's HTML by itself, for the frame on the mail's page."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        mail = get_object_or_404(OutboxMessage, pk=kwargs["pk"])
        return HttpResponse(mail.html_body)
