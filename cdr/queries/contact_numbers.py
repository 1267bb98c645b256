"""A number as somebody writes it into a phone book, understood as he would dial it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from cdr.engine.numbers import DialPlan, normalise
from cdr.queries.sites import plan_of
from directory.models import LineHolding, Membership, Site, User, valid_at
from directory.scoping import Scope

_OUTSIDE: Final = re.compile(r"\+[1-9][0-9]{4,14}", re.ASCII)


def number_reader(reader: User, scope: Scope) -> Callable[[str], str]:
    """What brings a typed number into E.164 by the dial plan of the reader's own site.

    It gives back an empty text for what is no outside number. The site is that of the
    reader's line, else of his office, else the first one.
    """
    plan = _plan(reader, scope)

    def understood(typed: str) -> str:
        number = normalise(typed, plan=plan, dialled=True).text
        return number if _OUTSIDE.fullmatch(number) else ""

    return understood


def _plan(reader: User, scope: Scope) -> DialPlan:
    lines = LineHolding.objects.filter(valid_at(scope.at), user=reader)
    offices = Membership.objects.filter(valid_at(scope.at), user=reader, office__site__isnull=False)
    key = lines.order_by("pk").values_list("line__site", flat=True).first()
    key = key or offices.order_by("-pk").values_list("office__site", flat=True).first()
    sites = Site.objects.order_by("pk")
    site = (sites.filter(pk=key) if key else sites).first()
    return plan_of(site) if site else DialPlan()
