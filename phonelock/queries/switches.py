"""Which switch locks a site's lines, with which driver, and what it must know of the site.

The call source of a site says so: its `lock` option names a driver (or ``none``), else
the driver of its call records counts where there is a lock driver of the same name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string

from cdr.models import Source
from directory.models import Line, Site
from phonelock.drivers.base import LockDriver, SwitchSetup
from phonelock.engine.admission import Door, Policy, SiteFacts, digest_of
from phonelock.engine.flags import LockFlag

OPTION: Final = "lock"
NONE: Final = "none"
ENTRY_POINTS: Final = "tollgate.lock_drivers"
_UNSAFE: Final = re.compile(r"[^0-9A-Za-z+*#_.-]")
_MAX_WORD: Final = 64


@dataclass(frozen=True, slots=True)
class Switch:
    """The switch that locks the lines of one site."""

    site_id: int
    site: str
    driver: str
    options: Mapping[str, Any] = field(default_factory=dict, compare=False)


def switches(*, site_ids: Collection[int] | None = None) -> dict[int, Switch]:
    """The switch of each site that has one, by the site's id; one query."""
    sources = Source.objects.filter(is_active=True).select_related("site").order_by("name")
    if site_ids is not None:
        sources = sources.filter(site_id__in=site_ids)
    by_site: dict[int, list[Source]] = defaultdict(list)
    for source in sources:
        by_site[source.site_id].append(source)
    found = (_switch(each) for each in by_site.values())
    return {switch.site_id: switch for switch in found if switch is not None}


def switches_and_doors(*, site_ids: Collection[int]) -> dict[int, tuple[Switch | None, list[Door]]]:
    """The switch of each site, if it has one, with the rules of its sources; one query."""
    by_site: dict[int, list[Source]] = defaultdict(list)
    sources = Source.objects.filter(is_active=True, site_id__in=site_ids).select_related("site")
    for source in sources.order_by("name"):
        by_site[source.site_id].append(source)
    return {
        site_id: (_switch(each), [_door(source) for source in each])
        for site_id, each in by_site.items()
    }


def _switch(sources: list[Source]) -> Switch | None:
    """A source that says how its site is locked comes before those that leave it open."""
    ordered = sorted(sources, key=lambda source: OPTION not in _options(source))
    for source in ordered:
        options = _options(source)
        driver = str(options.get(OPTION, source.driver))
        if driver == NONE and OPTION in options:
            return None
        if driver in driver_names():
            return Switch(source.site_id, source.site.name, driver, options)
    return None


def _options(source: Source) -> dict[str, Any]:
    return source.options if isinstance(source.options, dict) else {}


def driver_for(switch: Switch) -> LockDriver:
    """A driver ready to take orders for `switch`."""
    setup = SwitchSetup(switch.site, Path(settings.DATA_DIR), switch.options)
    return driver_class(switch.driver)(setup)


def driver_class(name: str) -> type[LockDriver]:
    """The class behind a driver's name: from the settings, else installed by somebody else.

    Raises:
        LookupError: if there is no such driver.
        ImportError: if it cannot be imported.
    """
    if name in settings.LOCK_DRIVERS:
        found: type[LockDriver] = import_string(settings.LOCK_DRIVERS[name].replace(":", "."))
        return found
    if name in _installed():
        installed: type[LockDriver] = _installed()[name].load()
        return installed
    raise LookupError(f"there is no lock driver named {name!r}")


def driver_names() -> frozenset[str]:
    """Every lock driver that can be named."""
    return frozenset(settings.LOCK_DRIVERS) | frozenset(_installed())


@lru_cache(maxsize=1)
def _installed() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}


def site_facts(*, site_ids: Collection[int]) -> dict[int, SiteFacts]:
    """What the switches of these sites must know to be answered; two queries and one for sites."""
    doors = site_doors(site_ids=site_ids)
    partitions: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    lines = Line.objects.filter(site_id__in=site_ids).order_by("extension", "partition")
    for site_id, extension, partition in lines.values_list("site_id", "extension", "partition"):
        partitions[site_id][extension].append(partition)
    return {
        site.pk: _facts(site, doors=doors.get(site.pk, ()), partitions=partitions[site.pk])
        for site in Site.objects.filter(pk__in=site_ids)
    }


def site_doors(*, site_ids: Collection[int]) -> dict[int, list[Door]]:
    """The rules of each site's sources for whoever asks; one query."""
    doors: dict[int, list[Door]] = defaultdict(list)
    for source in Source.objects.filter(site_id__in=site_ids, is_active=True).order_by("name"):
        doors[source.site_id].append(_door(source))
    return dict(doors)


def _facts(site: Site, *, doors: Iterable[Door], partitions: Mapping[str, list[str]]) -> SiteFacts:
    return SiteFacts(
        site=site.name,
        country=site.country,
        exit_code=site.exit_code,
        international_prefix=site.international_prefix,
        national_prefix=site.national_prefix,
        area_code=site.area_code,
        extension_patterns=tuple(str(each) for each in site.extension_patterns),
        local_lengths=tuple(int(each) for each in site.local_lengths),
        emergency_numbers=tuple(str(each) for each in site.emergency_numbers),
        allowed_while_locked=tuple(str(each) for each in site.allowed_while_locked),
        mask_digits=site.mask_digits,
        doors=tuple(doors),
        lines=tuple((extension, tuple(rest)) for extension, rest in partitions.items()),
    )


def _door(source: Source) -> Door:
    options = _options(source)
    return Door(
        source=source.name,
        callers=tuple(str(each) for each in source.callers),
        secret_digest=digest_of(source.caller_secret) if source.caller_secret else "",
        policy=Policy(source.failure_policy),
        divert_to=_word(options.get("lock_divert_to", "")),
        announcements=_announcements(options.get("lock_announcement", "")),
        locks_internal=options.get("lock_internal") == "block",
    )


def _announcements(given: object) -> tuple[tuple[str, str], ...]:
    """One name for every reason, or a table by reason: admin, budget, user, session, any."""
    table = given if isinstance(given, dict) else {"any": given}
    flags = {flag.value.lower(): flag.value for flag in LockFlag} | {"any": ""}
    words = {flags[key]: _word(value) for key, value in table.items() if key in flags}
    return tuple(sorted((flag, word) for flag, word in words.items() if word))


def _word(given: object) -> str:
    """A number or a recording's name as it may stand in an answer to a switch."""
    return _UNSAFE.sub("", str(given or ""))[:_MAX_WORD]
