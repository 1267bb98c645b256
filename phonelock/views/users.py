"""Pages of other people's phones: the list of users and one person."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from directory.preferences import remembered_size
from directory.scoping import people_visible_to, request_scope
from directory.views.base import PAGE_SIZES, OverseersOnly, ScopedPage
from kernel.periods import YEARS
from phonelock.forms import NarrowPeopleForm, PeopleForm
from phonelock.queries.history import history_of
from phonelock.queries.lines import phone_state
from phonelock.queries.people import SORTS, people, with_phones
from phonelock.queries.pins import pin_state

SIZES: Final = (*PAGE_SIZES, 200)
SIZE: Final = 50
EVENTS_OF_ONE: Final = 20


class Users(OverseersOnly, ScopedPage):
    """The people in scope with their phones; people without a line are listed all the same."""

    template_name = "phonelock/users.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope = request_scope(self.request)
        size = remembered_size(self.request, "users", among=SIZES, default=SIZE)
        form = PeopleForm(self.request.GET)
        page = rows = None
        if form.is_valid():
            wanted = form.wanted()
            page = Paginator(people(scope, wanted), size).get_page(self.request.GET.get("page"))
            rows = with_phones(list(page.object_list), at=scope.at, wanted=wanted)
        return super().get_context_data(
            form=form,
            narrow=NarrowPeopleForm(self.request.GET),
            chips=self._chips(form),
            kept=[
                (name, self.request.GET[name]) for name in form.fields if self.request.GET.get(name)
            ],
            page=page,
            rows=rows,
            heads=[(name, form.fields[name].label) for name in SORTS],
            sort=form.cleaned_data.get("sort", "") if form.is_valid() else "",
            sizes=SIZES,
            size=size,
            may_change=scope.may_change,
            sees_everything=scope.sees_everything,
            at=scope.at,
            **kwargs,
        )

    def _chips(self, form: PeopleForm) -> list[tuple[str, str]]:
        if not form.is_valid():
            return []
        chips = []
        for field in form.visible_fields():
            value = form.cleaned_data[field.name]
            if value:
                without = self.request.GET.copy()
                for key in (field.name, "page"):
                    without.pop(key, None)
                shown = dict(getattr(field.field, "choices", ())).get(value, value)
                words = _("%(label)s: %(value)s") % {"label": field.label, "value": shown}
                chips.append((words, f"?{without.urlencode()}"))
        return chips


class Person(OverseersOnly, ScopedPage):
    """One person in scope: the phones, and what happened to them."""

    template_name = "phonelock/person.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope = request_scope(self.request)
        person = get_object_or_404(people_visible_to(scope), pk=self.kwargs["pk"])
        phones = phone_state(person, at=scope.at)
        before = _instant(self.request.GET.get("before", ""))
        return super().get_context_data(
            person=person,
            phones=phones,
            is_pending=any(phone.is_pending for phone in phones),
            pin=pin_state(person, at=scope.at),
            history=history_of(person, most=EVENTS_OF_ONE, before=before),
            before=before,
            may_change=scope.may_change,
            **kwargs,
        )


def _instant(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    is_instant = found is not None and found.tzinfo is not None and found.year in YEARS
    return found if is_instant else None
