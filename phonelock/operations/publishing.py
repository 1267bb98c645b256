"""Telling switches that ask us what they must know, even while nothing is locked.

Looked at once at every process's start and every twenty seconds after: a changed
emergency list, dial plan, line or source is in force within a minute (reliability A4).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db.models import F, Q

from phonelock.drivers.base import LineRef, PublishesSite, SwitchUnavailable
from phonelock.engine.flags import LineState
from phonelock.models import LineLock
from phonelock.operations.pace import Pace
from phonelock.queries.switches import (
    driver_class,
    driver_for,
    driver_names,
    site_facts,
    switches,
)

logger = logging.getLogger(__name__)

PUBLISH_SECONDS: Final = 20

_pace = Pace(seconds=PUBLISH_SECONDS)


def publish_sites(*, now: datetime) -> int:
    """Publish what has changed, if it is time to look; how many sites were written."""
    return publish_all(now=now) if _pace.is_due(now) else 0


def publish_all(*, now: datetime) -> int:
    """Publish every site whose switch asks us; take back what was published for others."""
    found = switches()
    drivers = {site_id: driver_for(switch) for site_id, switch in found.items()}
    asking = {
        site_id: driver for site_id, driver in drivers.items() if isinstance(driver, PublishesSite)
    }
    facts = site_facts(site_ids=asking)
    locked = _locked_lines(asking)
    written = 0
    for site_id, driver in asking.items():
        try:
            is_changed = driver.publish(facts=facts[site_id], locked=locked[site_id])
        except SwitchUnavailable:
            logger.warning("a site could not be published", extra={"site_id": site_id})
            continue
        if is_changed:
            written += 1
            _look_again(site_id, now=now)
    for name in driver_names():
        sites = {switch.site for switch in found.values() if switch.driver == name}
        _withdraw_all_but(name, sites=sites)
    return written


def _locked_lines(site_ids: Collection[int]) -> Mapping[int, dict[LineRef, str]]:
    found: dict[int, dict[LineRef, str]] = defaultdict(dict)
    rows = LineLock.objects.filter(wanted=LineState.LOCKED, line__site_id__in=site_ids)
    for lock in rows.select_related("line__site"):
        line = lock.line
        found[line.site_id][LineRef(line.site.name, line.partition, line.extension)] = (
            lock.wanted_flag
        )
    return found


def _look_again(site_id: int, *, now: datetime) -> None:
    """New facts may have made a line lockable, or one that was locked ambiguous."""
    rows = LineLock.objects.filter(line__site_id=site_id)
    rows.filter(Q(wanted=LineState.LOCKED) | Q(confirmed_version__lt=F("version"))).update(
        next_attempt_at=now
    )


def _withdraw_all_but(name: str, *, sites: Collection[str]) -> None:
    kind = driver_class(name)
    if issubclass(kind, PublishesSite):
        try:
            kind.withdraw_all_but(data_dir=Path(settings.DATA_DIR), sites=sites)
        except SwitchUnavailable:
            logger.warning("what was published could not be taken back", extra={"driver": name})
