"""What a supervisor does to one line of somebody else: lock, unlock, ask again, a new PIN."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.views.generic import FormView

from directory.models import Line, Role, User
from directory.queries.units import lines_of
from directory.roles import role_of
from directory.scoping import lines_visible_to, people_visible_to, request_scope
from directory.views.base import OverseersOnly, ScopedAction
from kernel.clock import now
from kernel.errors import DomainError
from phonelock.engine.flags import Actor, LockFlag
from phonelock.forms import AdminLockForm, NewPinForm
from phonelock.operations.brakes import OTHERS_TOGGLES, PINS_SET, count_toggle
from phonelock.operations.flags import NotAllowed, ask_again, clear_flag, lock_by_administrator
from phonelock.operations.pins import PinRefused, issue_one_time_pin
from phonelock.queries.lines import PhoneState, states_of_lines
from phonelock.queries.pins import pin_state
from phonelock.views.own import said_again


def changeable_line(request: HttpRequest, pk: int) -> Line:
    """The line, if it is in the reader's scope.

    Raises:
        PermissionDenied: for those who only look.
    """
    scope = request_scope(request)
    line = get_object_or_404(lines_visible_to(scope).select_related("site"), pk=pk)
    if not scope.may_change:
        raise PermissionDenied
    return line


def locked_over(request: HttpRequest) -> QuerySet[Line]:
    """The own lines of a supervisor that somebody above him has locked: not his to open."""
    reader = request.user
    if role_of(reader) is not Role.SUPERVISOR or not isinstance(reader, User):
        return Line.objects.none()
    held = lines_of(reader, at=now()).filter(lock__admin_since__isnull=False)
    return held.exclude(lock__admin_by=reader.username)


def refuse_over(request: HttpRequest, line: Line) -> None:
    """Refuse to touch the lock of a line that is locked over the reader's head.

    Raises:
        NotAllowed: if it is.
    """
    if locked_over(request).filter(pk=line.pk).exists():
        raise NotAllowed(_("You cannot decide about yourself."))


class AdminLock(OverseersOnly, FormView):
    """The administrator's lock of one line: setting it, changing its terms, lifting it."""

    http_method_names = ["get", "post", "head", "options"]
    template_name = "phonelock/admin_lock.html"
    form_class = AdminLockForm

    def line(self) -> Line:
        return changeable_line(self.request, self.kwargs["pk"])

    def state(self) -> PhoneState:
        """The line with its lock."""
        return states_of_lines(Line.objects.filter(pk=self.line().pk), at=now())[0]

    def get_initial(self) -> dict[str, Any]:
        phone = self.state()
        if LockFlag.ADMIN not in phone.flags:
            return {}
        return {"reason": phone.why, "until": phone.until}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        phone = self.state()
        return super().get_context_data(
            phone=phone,
            is_on=LockFlag.ADMIN in phone.flags,
            back=way_back(self.request),
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.line()
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AdminLockForm) -> HttpResponse:
        line = self.line()
        at = now()
        try:
            count_toggle(self.reader.pk, most=OTHERS_TOGGLES, what="others", at=at)
            refuse_over(self.request, line)
            lock_by_administrator(line=line, by=self.reader.username, at=at, **form.cleaned_data)
        except DomainError as refusal:
            field = "until" if refusal.code == "ends_too_early" else None
            form.add_error(field, refusal.message)
            return self.form_invalid(form)
        words = _("The phone system is asked to lock %(line)s.") % {"line": line.extension}
        messages.success(self.request, words)
        return HttpResponseRedirect(way_back(self.request))

    def form_invalid(self, form: AdminLockForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


def way_back(request: HttpRequest) -> str:
    """The page of ours that `next` names; else the list of users."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = target.startswith(reverse("phonelock:users"))
    return target if is_ours else reverse("phonelock:users")


class LineAction(OverseersOnly, ScopedAction):
    """Something a supervisor or administrator does to a line in his scope."""

    back_to = reverse_lazy("phonelock:users")

    def line(self, pk: int) -> Line:
        """The line, if it is in scope.

        Raises:
            PermissionDenied: for those who only look.
            TooManyToggles: if he has done so very often just now.
        """
        line = changeable_line(self.request, pk)
        count_toggle(self.reader.pk, most=OTHERS_TOGGLES, what="others", at=now())
        return line


class AdminUnlock(LineAction):
    """Clear the administrative flag; other flags may keep the phone locked."""

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        line = self.line(kwargs["pk"])
        refuse_over(request, line)
        lock = clear_flag(
            line=line,
            flag=LockFlag.ADMIN,
            actor=Actor.ADMINISTRATOR,
            by=self.reader.username,
            at=now(),
        )
        if lock.reason is not None:
            return _(
                "The administrator's lock of %(line)s is lifted; it stays locked otherwise."
            ) % {"line": line.extension}
        return _("The phone system is asked to unlock %(line)s.") % {"line": line.extension}


class AskAgainForOthers(LineAction):
    """Have the phone system asked again at once."""

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        line = self.line(kwargs["pk"])
        return said_again(line.extension, is_waiting=ask_again(line=line, at=now()))


class SetPin(OverseersOnly, FormView):
    """A one-time PIN for somebody in scope: typed, never shown, changed at its first use."""

    http_method_names = ["get", "post", "head", "options"]
    template_name = "phonelock/set_pin.html"
    form_class = NewPinForm

    def person(self) -> User:
        """The person, if he is in scope.

        Raises:
            PermissionDenied: for those who only look.
        """
        scope = request_scope(self.request)
        person = get_object_or_404(people_visible_to(scope), pk=self.kwargs["pk"])
        if not scope.may_change:
            raise PermissionDenied
        return person

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        person = self.person()
        pin = pin_state(person, at=now())
        return super().get_context_data(
            person=person, pin=pin, back=way_back(self.request), **kwargs
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.person()
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: NewPinForm) -> HttpResponse:
        person = self.person()
        try:
            count_toggle(self.reader.pk, most=PINS_SET, what="pins", at=now())
            pin = form.cleaned_data["pin"]
            issue_one_time_pin(person, pin=pin, by=self.reader.username, at=now())
        except PinRefused as refusal:
            form.add_error("pin", refusal.message)
            return self.form_invalid(form)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
            return self.form_invalid(form)
        words = _("%(person)s has a one-time PIN now. Say it in person; it must be changed.")
        messages.success(self.request, words % {"person": person})
        return HttpResponseRedirect(way_back(self.request))

    def form_invalid(self, form: NewPinForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)
