"""Pages of one's own phones: their locks, what happened to them, and the PIN."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.views.generic import FormView

from directory.models import Line
from directory.queries.units import lines_of
from directory.roles import OVERSEERS, role_of
from directory.scoping import request_scope
from directory.views.base import ScopedAction, ScopedPage, SignedIn
from kernel.clock import now
from kernel.errors import DomainError
from phonelock.engine.flags import Actor, LockFlag
from phonelock.forms import ChangePinForm, NewPinForm
from phonelock.operations.brakes import count_toggle
from phonelock.operations.flags import ask_again, lock_line, unlock_line
from phonelock.operations.pins import PinPaused, PinRefused, WrongPin, change_pin, set_pin
from phonelock.queries.causes import budgets_that_lock
from phonelock.queries.effects import lock_effects
from phonelock.queries.own import own_phones
from phonelock.queries.pins import pin_state

EVENTS_OF_MINE = 10


class MyPhone(ScopedPage):
    """The reader's own phones: locked or not, by whom, and whether the switch agrees."""

    template_name = "phonelock/phone.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        at = now()
        own = own_phones(self.reader, at=at, most=EVENTS_OF_MINE)
        phones = own.phones
        pin = pin_state(self.reader, at=at)
        is_in_budgets_hand = any(LockFlag.BUDGET in phone.flags for phone in phones)
        return super().get_context_data(
            phones=phones,
            is_pending=any(phone.is_pending for phone in phones),
            budgets=budgets_that_lock(self.reader) if is_in_budgets_hand else [],
            effects=lock_effects([phone.line.site for phone in phones], at=at),
            history=own.history,
            pin=pin,
            pin_form=ChangePinForm() if pin.exists else NewPinForm(),
            may_change=request_scope(self.request).may_change,
            sees_works=role_of(self.reader) in OVERSEERS,
            **kwargs,
        )


class OwnPhoneAction(ScopedAction):
    """Something a person does to one of his own phones; a foreign line is not found."""

    back_to = reverse_lazy("phonelock:phone")

    def line(self, pk: int) -> Line:
        """The line, if the reader holds it.

        Raises:
            PermissionDenied: for those who only look.
            TooManyToggles: if he has done so very often just now.
        """
        own = lines_of(self.reader, at=now()).select_related("site")
        line = get_object_or_404(own, pk=pk)
        if not request_scope(self.request).may_change:
            raise PermissionDenied
        count_toggle(self.reader.pk, at=now())
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


class AskAgain(OwnPhoneAction):
    """Have the phone system asked again at once."""

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        line = self.line(kwargs["pk"])
        return said_again(line.extension, is_waiting=ask_again(line=line, at=now()))


def said_again(extension: str, *, is_waiting: bool) -> str:
    """What asking again came to."""
    if is_waiting:
        return _("The phone system is asked again about %(line)s.") % {"line": extension}
    return _("The phone system has confirmed %(line)s in the meantime.") % {"line": extension}


class OwnPin(SignedIn, FormView):
    """Choosing one's PIN, or changing it with the present one."""

    http_method_names = ["get", "post", "head", "options"]
    template_name = "phonelock/pin.html"

    def get_form_class(self) -> type[NewPinForm]:
        return ChangePinForm if pin_state(self.reader, at=now()).exists else NewPinForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            pin=pin_state(self.reader, at=now()),
            may_change=request_scope(self.request).may_change,
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request_scope(request).may_change:
            raise PermissionDenied
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: NewPinForm) -> HttpResponse:
        words = form.cleaned_data
        try:
            if isinstance(form, ChangePinForm):
                change_pin(self.reader, old=words["old"], new=words["pin"], at=now())
                done = _("Your PIN is changed.")
            else:
                set_pin(self.reader, pin=words["pin"], at=now())
                done = _("Your PIN is set.")
        except (WrongPin, PinPaused) as refusal:
            form.add_error("old", refusal.message)
        except PinRefused as refusal:
            form.add_error("pin", refusal.message)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(self.request, done)
            return HttpResponseRedirect(reverse("phonelock:phone"))
        return self.form_invalid(form)

    def form_invalid(self, form: NewPinForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)
