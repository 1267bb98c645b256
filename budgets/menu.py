"""What the bar says beside "My budgets" on every page: how the reader's money stands.

It is on every page, so it reads what the evaluation has found (two questions) and
sums nothing: at most ten seconds old, like the mails.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Max
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext

from budgets.models import Crossing, LockWish, PeriodState
from directory.models import User


@dataclass(frozen=True, slots=True)
class Badge:
    """A word with its sign: never colour alone."""

    sign: str
    words: str


def _badge_of(user: User) -> Badge | None:
    """A lock by any budget, else the highest threshold that an own budget stands over."""
    if LockWish.objects.filter(user=user, lifted_at__isnull=True).exists():
        return Badge("bad", gettext("phone locked"))
    reached = Crossing.objects.filter(
        period__budget__user=user,
        period__budget__deleted_at__isnull=True,
        period__state=PeriodState.OPEN,
        reset_at__isnull=True,
    ).aggregate(highest=Max("percent"))["highest"]
    if reached is None:
        return None
    if reached >= 100:
        return Badge("bad", gettext("used up"))
    return Badge("warn", gettext("%(percent)d %% reached") % {"percent": reached})


def menu_badges(request: HttpRequest) -> dict[str, object]:
    """Badges by address name, worked out only where a page shows the bar."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_authenticated:
        return {}
    return {"menu_badges": {"budgets:mine": SimpleLazyObject(lambda: _badge_of(user))}}
