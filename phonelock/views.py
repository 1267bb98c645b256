"""Pages of phones: one's own with its lock, and the phones of the people in scope."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from directory.models import Line
from directory.queries import lines_of
from directory.scoping import lines_visible_to, request_scope
from directory.views import PAGE_SIZES, OverseersOnly, ScopedAction, ScopedPage, page_of
from kernel.clock import now
from kernel.errors import DomainError
from phonelock.engine.flags import Actor, LockFlag
from phonelock.forms import AdminLockForm, PeopleForm
from phonelock.operations.flags import clear_flag, lock_line, set_flag, unlock_line
from phonelock.queries.lines import phone_state
from phonelock.queries.people import people, with_phones


class NoReason(DomainError):
    """An administrative lock was asked for without a reason."""

    code = "no_reason"


class MyPhone(ScopedPage):
    """The reader's own phones: locked or not, by whom, and whether the switch agrees."""

    template_name = "phonelock/phone.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            phones=phone_state(self.reader, at=now()),
            may_change=request_scope(self.request).may_change,
            **kwargs,
        )


class OwnPhoneAction(ScopedAction):
    """Something a person does to one of his own phones; a foreign line is not found."""

    back_to = reverse_lazy("phonelock:phone")

    def line(self, pk: int) -> Line:
        """The line, if the reader holds it.

        Raises:
            PermissionDenied: for those who only look.
        """
        own = lines_of(self.reader, at=now()).select_related("site")
        line = get_object_or_404(own, pk=pk)
        if not request_scope(self.request).may_change:
            raise PermissionDenied
        return line


class LockMine(OwnPhoneAction):
    """Set one's own flag."""

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        line = self.line(kwargs["pk"])
        lock_line(line=line, actor=Actor.USER, by=self.reader.username, at=now())
        return _("The phone system is asked to lock %(line)s.") % {"line": line.extension}


class UnlockMine(OwnPhoneAction):
    """Clear one's own flags; other flags keep the phone locked, and the answer says which."""

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        line = self.line(kwargs["pk"])
        unlock_line(line=line, actor=Actor.USER, by=self.reader.username, at=now())
        return _("The phone system is asked to unlock %(line)s.") % {"line": line.extension}


class Users(OverseersOnly, ScopedPage):
    """The people in scope with their phones; people without a line are listed all the same."""

    template_name = "phonelock/users.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope = request_scope(self.request)
        form = PeopleForm(self.request.GET)
        page = rows = None
        if form.is_valid():
            page = page_of(self.request, people(scope, form.wanted()), size=50)
            rows = with_phones(list(page.object_list), at=scope.at)
        return super().get_context_data(
            form=form,
            page=page,
            rows=rows,
            sizes=PAGE_SIZES,
            may_change=scope.may_change,
            **kwargs,
        )


class AdminLockAction(OverseersOnly, ScopedAction):
    """Something a supervisor or administrator does to a line in his scope."""

    back_to = reverse_lazy("phonelock:users")

    def line(self, pk: int) -> Line:
        """The line, if it is in scope.

        Raises:
            PermissionDenied: for those who only look.
        """
        scope = request_scope(self.request)
        line = get_object_or_404(lines_visible_to(scope).select_related("site"), pk=pk)
        if not scope.may_change:
            raise PermissionDenied
        return line


class AdminLock(AdminLockAction):
    """Set the administrative flag, with a reason."""

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        line = self.line(kwargs["pk"])
        form = AdminLockForm(request.POST)
        if not form.is_valid():
            raise NoReason(_("A lock by the administrator needs a reason."))
        set_flag(
            line=line,
            flag=LockFlag.ADMIN,
            actor=Actor.ADMINISTRATOR,
            by=self.reader.username,
            reason=form.cleaned_data["reason"],
            at=now(),
        )
        return _("The phone system is asked to lock %(line)s.") % {"line": line.extension}


class AdminUnlock(AdminLockAction):
    """Clear the administrative flag; other flags may keep the phone locked."""

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        line = self.line(kwargs["pk"])
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
