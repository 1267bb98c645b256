"""Locks of many phones at once: first what it would do, then that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from directory.models import Line
from directory.scoping import Scope, lines_visible_to, request_scope
from directory.views.base import OverseersOnly, ScopedPage
from kernel.clock import now
from kernel.errors import DomainError
from phonelock.engine.flags import LockFlag
from phonelock.forms import AdminLockForm, ManyUnlockForm, PeopleForm
from phonelock.operations.brakes import OTHERS_TOGGLES, count_toggle
from phonelock.operations.many import LineResult, Outcome, lock_many, unlock_many
from phonelock.queries.lines import states_of_lines
from phonelock.queries.people import matching_lines
from phonelock.views.lines import locked_over, way_back

MOST_AT_ONCE: Final = 2000
KEPT: Final = "phonelock_many"
"""Where a session keeps what the last change of many phones came to."""
MOST_REFUSALS_NAMED: Final = 5
MAX_KEY_DIGITS: Final = 18


class ManyLocks(OverseersOnly):
    """Locking or unlocking many: first what it would do, then, when it is said again, that."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        scope = request_scope(request)
        if not scope.may_change:
            raise PermissionDenied
        lines = self._lines(scope)
        if not lines:
            messages.error(request, _("Tick the phones first that you mean."))
            return HttpResponseRedirect(self._back())
        if len(lines) > MOST_AT_ONCE:
            words = _("At most %(most)s phones at once; narrow the list down first.")
            messages.error(request, words % {"most": MOST_AT_ONCE})
            return HttpResponseRedirect(self._back())
        is_asked_again = request.POST.get("count") != str(len(lines))
        if is_asked_again:
            return self._ask(lines, form=self._form(None), status=200)
        return self._do(lines)

    @property
    def _locks(self) -> bool:
        return self.request.POST.get("do") == "lock"

    def _form(self, data: Any) -> AdminLockForm | ManyUnlockForm:
        return AdminLockForm(data) if self._locks else ManyUnlockForm(data)

    def _lines(self, scope: Scope) -> list[Line]:
        """The lines meant: all that match, or the ones ticked; none that is out of scope."""
        if self.request.POST.get("which") == "all":
            form = PeopleForm(self.request.POST)
            found = matching_lines(scope, form.wanted()) if form.is_valid() else Line.objects.none()
        else:
            ticked = self.request.POST.getlist("line")
            keys = [key for key in ticked if key.isdecimal() and len(key) <= MAX_KEY_DIGITS]
            found = lines_visible_to(scope).filter(pk__in=keys)
        if not self._locks:
            found = found.exclude(pk__in=locked_over(self.request).values("pk"))
        return list(found.select_related("site").order_by("pk")[: MOST_AT_ONCE + 1])

    def _back(self) -> str:
        return way_back(self.request)

    def _ask(
        self, lines: Sequence[Line], *, form: AdminLockForm | ManyUnlockForm, status: int
    ) -> HttpResponse:
        phones = states_of_lines(Line.objects.filter(pk__in=[line.pk for line in lines]), at=now())
        flagged = [phone for phone in phones if LockFlag.ADMIN in phone.flags]
        context = {
            "form": form,
            "locks": self._locks,
            "phones": phones,
            "count": len(phones),
            "flagged": len(flagged),
            "refused": [phone for phone in phones if phone.not_lockable] if self._locks else [],
            "kept": self._kept(lines),
            "back": self._back(),
        }
        return render(self.request, "phonelock/many.html", context, status=status)

    def _kept(self, lines: Sequence[Line]) -> list[tuple[str, str]]:
        """What the next request must bring again; the count says that it is the same set."""
        post = self.request.POST
        kept = [
            ("do", post.get("do", "")),
            ("which", post.get("which", "")),
            ("next", self._back()),
        ]
        kept.append(("count", str(len(lines))))
        if post.get("which") == "all":
            names = PeopleForm.base_fields
            return kept + [(name, post.get(name, "")) for name in names if post.get(name)]
        return kept + [("line", str(line.pk)) for line in lines]

    def _do(self, lines: Sequence[Line]) -> HttpResponse:
        form = self._form(self.request.POST)
        if not form.is_valid():
            return self._ask(lines, form=form, status=422)
        try:
            results = self._change(lines, form.cleaned_data, at=now())
        except DomainError as refusal:
            field = "until" if refusal.code == "ends_too_early" else None
            form.add_error(field, refusal.message)
            return self._ask(lines, form=form, status=422)
        self.request.session[KEPT] = {
            "locks": self._locks,
            "results": [[result.line_id, result.outcome.value] for result in results],
        }
        messages.success(self.request, summary(results, lines))
        return HttpResponseRedirect(reverse("phonelock:many_done"))

    def _change(
        self, lines: Sequence[Line], words: dict[str, Any], *, at: datetime
    ) -> list[LineResult]:
        count_toggle(self.reader.pk, most=OTHERS_TOGGLES, what="others", at=at)
        by = self.reader.username
        if not self._locks:
            return unlock_many(lines, by=by, reason=words["reason"], at=at)
        return lock_many(lines, by=by, reason=words["reason"], until=words["until"], at=at)


def summary(results: Sequence[LineResult], lines: Sequence[Line]) -> str:
    """What became of many in one sentence: "38 asked, 2 refused: 401, 402"."""
    names = {line.pk: line.extension for line in lines}
    counts = dict.fromkeys(Outcome, 0)
    for result in results:
        counts[result.outcome] += 1
    asked = counts[Outcome.ASKED]
    same = counts[Outcome.ALREADY] + counts[Outcome.STAYS_SO] + counts[Outcome.STAYS_LOCKED]
    refused = [names[r.line_id] for r in results if r.outcome is Outcome.NO_SWITCH]
    parts = [ngettext("%(count)s phone asked", "%(count)s phones asked", asked) % {"count": asked}]
    if same:
        parts.append(ngettext("%(count)s as before", "%(count)s as before", same) % {"count": same})
    if refused:
        shown = ", ".join(refused[:MOST_REFUSALS_NAMED])
        more = " …" if len(refused) > MOST_REFUSALS_NAMED else ""
        words = ngettext(
            "%(count)s refused: %(lines)s", "%(count)s refused: %(lines)s", len(refused)
        )
        parts.append(words % {"count": len(refused), "lines": shown + more})
    return ", ".join(parts)


class ManyDone(OverseersOnly, ScopedPage):
    """What became of each line of the last change of many, and what is confirmed by now."""

    template_name = "phonelock/many_done.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kept = self.request.session.get(KEPT) or {"locks": True, "results": []}
        outcomes = dict(kept["results"])
        lines = lines_visible_to(request_scope(self.request)).filter(pk__in=outcomes)
        phones = states_of_lines(lines, at=now())
        return super().get_context_data(
            locks=kept["locks"],
            rows=[(phone, outcomes[phone.line.pk]) for phone in phones],
            is_pending=any(phone.is_pending for phone in phones),
            confirmed=sum(not phone.is_pending for phone in phones),
            **kwargs,
        )
