"""The sample company: loaded by a click, and taken out after a page that says what goes."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from billingsite.operations.demo_removal import (
    NoDemo,
    NoOwnAdministrator,
    NotOnlyTheDemo,
    outlook,
    refuse_people_of_the_sample,
)
from billingsite.queries.demo_rows import own_administrators
from billingsite.setup.demo_data import may_load_demo
from billingsite.setup.pages import SetupView, one_at_a_time
from directory.models import Job, User
from directory.operations.jobs import start_job
from kernel.errors import DomainError
from kernel.sentences import Sentence, sentence

MOST_ACCOUNTS = 20


class LoadDemo(SetupView):
    """The sample company is loaded, as a job."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        reader = self.reader
        if reader is None or not may_load_demo():
            messages.error(
                request, _("The sample company is only for an installation without sites.")
            )
            return redirect("setup:checklist")
        return start(
            request, kind="demo_data", owner=reader, title=sentence(gettext_noop("Sample company"))
        )


@method_decorator(reauthentication_required, name="get")
@method_decorator(reauthentication_required, name="post")
class RemoveDemo(SetupView):
    """The sample company is taken out, as a job; whoever asks for it has just signed in again."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        reader = self._reader()
        refusal = ""
        try:
            known = outlook()
            refuse_people_of_the_sample(reader)
        except NoDemo as none:
            messages.info(request, none.message)
            return redirect("setup:checklist")
        except NoOwnAdministrator as one_of_them:
            refusal = one_of_them.message
        accounts = own_administrators().order_by("username")
        context = {
            "known": known,
            "refusal": refusal,
            "accounts": accounts[:MOST_ACCOUNTS],
            "back": reverse("setup:checklist"),
        }
        return render(request, "setup/demo_removal.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        reader = self._reader()
        try:
            refuse_people_of_the_sample(reader)
            known = outlook()
            if known.strangers:
                raise NotOnlyTheDemo(known.strangers)
        except DomainError as refusal:
            messages.error(request, refusal.message)
            is_gone = isinstance(refusal, NoDemo)
            return redirect("setup:checklist" if is_gone else "setup:remove_demo")
        title = sentence(gettext_noop("The sample company is taken out"))
        return start(request, kind="demo_removal", owner=reader, title=title)

    def _reader(self) -> User:
        if self.reader is None:
            raise PermissionDenied
        return self.reader


def start(request: HttpRequest, *, kind: str, owner: User, title: Sentence) -> HttpResponse:
    """Start the job and lead to its page; back to the checklist if there is no room for one more.

    Asked twice it is one job while that runs.
    """
    try:
        with one_at_a_time():
            begun = Job.objects.filter(owner=owner, kind=kind, finished_at__isnull=True).first()
            job = begun or start_job(kind=kind, owner=owner, title=title)
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return redirect("setup:checklist")
    return redirect(job.get_absolute_url())
