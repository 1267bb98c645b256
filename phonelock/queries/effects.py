"""What a lock really does at a site: what stays open, and what "confirmed" means there.

Read from the set-up that answers the switch (`phonelock.engine.admission`), never from
a general description: a page that promises more than the switch does is a lie.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cdr.engine import emergency
from directory.models import Site
from phonelock.drivers.base import PublishesSite
from phonelock.models import Decision
from phonelock.queries.switches import driver_class, switches_and_doors

ASKED_LATELY: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class LockEffect:
    """A lock at one site.

    With `asks_us` the switch asks before each call that it is set up to ask about, and
    confirmed means that the answer is no from now on; else the switch itself has said
    that it holds the state. `last_asked` is when it last did, within a month.
    """

    site: str
    has_switch: bool
    asks_us: bool
    last_asked: datetime | None
    emergency_numbers: tuple[str, ...]
    allowed: tuple[str, ...]
    allowed_prefixes: tuple[str, ...]
    is_internal_open: bool
    diverts_to: str


def lock_effects(sites: Iterable[Site], *, at: datetime) -> list[LockEffect]:
    """The effect of a lock at each of these sites; one query, and one for every switch that
    asks us.
    """
    by_id = {site.pk: site for site in sites}
    found = switches_and_doors(site_ids=by_id)
    effects = []
    for site_id, site in by_id.items():
        switch, own_doors = found.get(site_id, (None, []))
        asks_us = switch is not None and issubclass(driver_class(switch.driver), PublishesSite)
        entries = [str(entry).strip() for entry in site.allowed_while_locked]
        numbers = emergency.country_list(site.country) | {str(n) for n in site.emergency_numbers}
        effects.append(
            LockEffect(
                site=site.name,
                has_switch=switch is not None,
                asks_us=asks_us,
                last_asked=_last_asked(site.name, at=at) if asks_us else None,
                emergency_numbers=tuple(sorted(numbers, key=lambda number: (len(number), number))),
                allowed=tuple(entry for entry in entries if entry and not entry.endswith("*")),
                allowed_prefixes=tuple(entry[:-1] for entry in entries if entry.endswith("*")),
                is_internal_open=not any(door.locks_internal for door in own_doors),
                diverts_to=next((door.divert_to for door in own_doors if door.divert_to), ""),
            )
        )
    return effects


def _last_asked(site: str, *, at: datetime) -> datetime | None:
    asked = Decision.objects.filter(site=site, decided_at__gt=at - ASKED_LATELY)
    return asked.order_by("-decided_at").values_list("decided_at", flat=True).first()
