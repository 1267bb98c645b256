"""What every page of the set-up stands on: who may see it, and the round of a step.

A step's page shows its form; `test` tries what is typed in and keeps nothing but a
file; `save` stores it and goes on; `skip` leaves the step out with a note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views import View

from billingsite.models import SetupKey
from billingsite.setup.claim import has_administrator, holds_claim
from billingsite.setup.company import System, present_system
from billingsite.setup.drafts import Draft
from billingsite.setup.forms_people import SkipForm
from billingsite.setup.kept_files import kept_file
from billingsite.setup.samples import SampleLook, look_at
from billingsite.setup.steps import BY_KEY, STEPS, leave_out, standings, step_after
from billingsite.setup_file import SetUpRefused
from directory.installation import alone
from directory.models import User
from directory.roles import is_administrator
from directory.scoping import Scope, request_scope
from directory.views.base import SignInFirst
from kernel.clock import now
from kernel.errors import DomainError

UNPROCESSABLE = 422


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one request of the set-up write at a time, in whatever tab or process."""
    with alone(Path(settings.DATA_DIR, "setup")):
        yield


class SetupView(SignInFirst, View):
    """For administrators; some pages also for the first to come, who has the printed address."""

    is_open_to_first: ClassVar[bool] = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_administrator(request.user):
            if request.user.is_authenticated:
                raise PermissionDenied
            if not (self.is_open_to_first and holds_claim(request)):
                return self._closed(request)
        response = super().dispatch(request, *args, **kwargs)
        patch_cache_control(response, no_store=True, private=True)
        return response

    def _closed(self, request: HttpRequest) -> HttpResponseBase:
        if has_administrator():
            return self.handle_no_permission()
        if holds_claim(request):  # he is in the set-up already: on with it
            return redirect("setup:language")
        return render(request, "setup/closed.html", status=403)

    @property
    def reader(self) -> User | None:
        """Who looks; nobody yet, where the first administrator is about to be made."""
        return self.request.user if isinstance(self.request.user, User) else None

    @property
    def by(self) -> str:
        return self.reader.username if self.reader is not None else "set-up"

    @property
    def scope(self) -> Scope:
        return request_scope(self.request)

    @property
    def at(self) -> datetime:
        return now()


class StepPage(SetupView):
    """The page of one step."""

    key: ClassVar[SetupKey]
    template_name: ClassVar[str]
    tests_outside: ClassVar[bool] = False
    """Whether its test talks to a server and writes nothing: nobody waits for that."""
    save: Callable[..., HttpResponse]
    """Store what the forms say and go on; a method of each step, given its forms by name."""
    test: Callable[..., HttpResponse]
    """Try what the forms say and show what came of it; only of steps that have a test."""
    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.shown(**self.forms(None))

    def post(self, request: HttpRequest) -> HttpResponse:
        """One at a time: what a second tab or click sends finds what the first has stored."""
        action = request.POST.get("action", "save")
        if action == "test" and self.tests_outside:
            return self.sent(request, action)
        with one_at_a_time():
            if self.reader is None and not holds_claim(request):
                messages.error(request, _("Somebody else was first. Sign in."))
                return redirect("setup:checklist")
            return self.sent(request, action)

    def sent(self, request: HttpRequest, action: str) -> HttpResponse:
        """Do what was sent: leave the step out, test it or save it."""
        if action == "skip":
            return self.skipped()
        doing: Callable[..., HttpResponse]
        doing = getattr(self, "test", self.shown) if action == "test" else self.save
        forms = self.forms(request)
        if not all(form.is_valid() for form in forms.values()):
            return self.shown_again(**forms)
        try:
            return doing(**forms)
        except SetUpRefused as refusal:
            problems = list(refusal.problems)
        except DomainError as refusal:
            problems = [refusal.message]
        form = next(iter(forms.values()))
        for problem in problems:
            form.add_error(None, problem)
        return self.shown_again(**forms)

    # --- what a step says ---

    def forms(self, request: HttpRequest | None) -> dict[str, Any]:
        """The step's forms by name, `form` first; bound to what was sent, if anything was."""
        raise NotImplementedError

    def more_context(self) -> dict[str, Any]:
        """What else the step's template wants."""
        return {}

    # --- the round ---

    def shown(self, *, status: int = 200, **context: Any) -> HttpResponse:
        """The page, with the forms and whatever a test found."""
        step = BY_KEY[self.key]
        known = standings(self.reader)
        context = {
            "step": step,
            "standings": known,
            "standing": next(each for each in known if each.step is step),
            "steps_count": len(STEPS),
            "before": next((each for each in STEPS if each.number == step.number - 1), None),
            "after": step_after(self.key),
            "skip_form": SkipForm(auto_id="id_skip_%s"),
            **self.more_context(),
            **context,
        }
        return render(self.request, self.template_name, context, status=status)

    def shown_again(self, **context: Any) -> HttpResponse:
        """The page with what is wrong on its forms."""
        return self.shown(status=UNPROCESSABLE, **context)

    def gone_on(self, words: str = "") -> HttpResponse:
        """To the next step, or to the checklist behind the last."""
        if words:
            messages.success(self.request, words)
        after = step_after(self.key)
        return HttpResponseRedirect(after.href if after else reverse("setup:checklist"))

    def skipped(self) -> HttpResponse:
        if self.reader is None:
            raise PermissionDenied
        form = SkipForm(self.request.POST)
        if not form.is_valid():
            return self.shown_again(**self.forms(None), skip_form=form)
        leave_out(self.key, note=form.cleaned_data["note"], at=self.at, by=self.by)
        return self.gone_on(_("Left out for now. It stays on the checklist."))


class SystemStep(StepPage):
    """A step that speaks of the telephone system; without one it leads back to step 4."""

    system: System

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._with_system() or super().get(request)

    def sent(self, request: HttpRequest, action: str) -> HttpResponse:
        if action == "skip":
            return self.skipped()
        return self._with_system() or super().sent(request, action)

    def _with_system(self) -> HttpResponse | None:
        system = present_system()
        if system is None:
            return self.shown(is_too_early=True)
        self.system = system
        return None

    def look(self, draft: Draft) -> SampleLook | None:
        """The sample read with the draft; None without a sample."""
        sample = kept_file("sample")
        if sample is None:
            return None
        name = self.system.source.name
        return look_at(sample, source=name, draft=draft, scope=self.scope, now=self.at)


def problems_on(form: Form, field: str, problems: list[str]) -> None:
    """Put problems beside the field they are about."""
    for problem in problems:
        form.add_error(field, problem)
