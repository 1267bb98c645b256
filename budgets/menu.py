"""What the bar says beside "My budgets" on every page: how the reader's money stands.

It is on every page, so it reads what the evaluation has found (one question) and
sums nothing: at most ten seconds old, like the mails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext, ngettext

from budgets.engine.thresholds import OVER_PERCENT
from budgets.models import Budget, Crossing, LockWish, PeriodState
from budgets.queries.requests import open_requests
from directory.models import User
from directory.roles import OVERSEERS, role_of
from directory.scoping import request_scope
from directory.templatetags.figures import percent


@dataclass(frozen=True, slots=True)
class Badge:
    """A word with its sign: never colour alone. A quiet one colours the icon only.

    `rest` is what goes on from the words for those who cannot see the bar as a whole.
    """

    sign: str
    words: str
    rest: str = ""
    is_quiet: bool = False


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the evaluation has found about the reader, asked once a page."""

    is_locked: bool
    has_budget: bool
    highest: int | None
    waiting: int

    @property
    def own(self) -> Badge | None:
        """A lock by any budget, else the highest threshold that an own budget stands over."""
        if self.is_locked:
            return Badge("bad", gettext("phone locked"))
        if self.highest is None:
            quiet = Badge("good", gettext("within the budget"), is_quiet=True)
            return quiet if self.has_budget else None
        if self.highest >= OVER_PERCENT:
            return Badge("bad", gettext("used up"))
        return Badge("warn", gettext("%(percent)s reached") % {"percent": percent(self.highest)})

    @property
    def requests(self) -> Badge | None:
        """How many requests wait for an answer of the reader."""
        if not self.waiting:
            return None
        rest = ngettext("request waits for an answer", "requests wait for an answer", self.waiting)
        return Badge("info", str(self.waiting), rest)


def _standing_of(request: HttpRequest, user: User) -> _Standing:
    reached = Crossing.objects.filter(
        period__budget__user=OuterRef("pk"),
        period__budget__deleted_at__isnull=True,
        period__state=PeriodState.OPEN,
        reset_at__isnull=True,
    )
    own = Budget.objects.filter(user=OuterRef("pk"), deleted_at__isnull=True)
    locks = LockWish.objects.filter(user=OuterRef("pk"), lifted_at__isnull=True)
    waiting: Any = Value(0)
    scope = request_scope(request)
    if role_of(user) in OVERSEERS and scope.may_change:
        counted = open_requests(scope).order_by().annotate(one=Value(1)).values("one")
        waiting = Coalesce(Subquery(counted.annotate(many=Count("pk")).values("many")), Value(0))
    row = (
        User.objects.filter(pk=user.pk)
        .values_list(
            Exists(locks),
            Exists(own),
            Subquery(reached.order_by("-percent").values("percent")[:1]),
            waiting,
        )
        .get()
    )
    return _Standing(*row)


def menu_badges(request: HttpRequest) -> dict[str, object]:
    """Badges by address name, worked out only where a page shows the bar."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_authenticated:
        return {}
    standing: list[_Standing] = []

    def found() -> _Standing:
        if not standing:
            standing.append(_standing_of(request, user))
        return standing[0]

    return {
        "menu_badges": {
            "budgets:mine": SimpleLazyObject(lambda: found().own),
            "budgets:requests": SimpleLazyObject(lambda: found().requests),
        }
    }
