"""Modules that an installation may do without: budgets, and the phone lock.

Calls, prices and people are the ground of everything and always there: a budget
without rating, or a lock wish without budgets, cannot be. The setting `MODULES` names
what is on. Of a module that is off there are no pages, no menus, no interface and no
work; its rows stay, and count again when it is switched on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings

BUDGETS: Final = "budgets"
PHONE_LOCK: Final = "phonelock"
OPTIONAL: Final = frozenset({BUDGETS, PHONE_LOCK})


def is_on(module: str) -> bool:
    """Whether `module` is there; what is not optional always is."""
    return module not in OPTIONAL or module in settings.MODULES


def is_route_open(route: str) -> bool:
    """Whether the page named `app:page` is there."""
    return is_on(route.partition(":")[0])


def module_of(view: Callable[..., Any], *, name: str = "") -> str:
    """The app that a view belongs to; for the set-up pages, the app whose rows they show."""
    kind = getattr(view, "view_class", None) or getattr(view, "cls", None) or view
    app: str = getattr(kind, "__module__", "").partition(".")[0]
    prefix = name.partition("_")[0]
    return prefix if app not in OPTIONAL and prefix in OPTIONAL else app
