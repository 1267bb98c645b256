"""Which call drivers there are, ours by settings, others' by entry point."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from cdr.drivers.base import BadOptions, CallDriver, DriverConfig
from directory.said import said
from kernel.errors import DomainError

ENTRY_POINTS = "tollgate.call_drivers"


class UnknownDriver(DomainError):
    """A source names a call driver that is not installed."""

    code = "unknown_driver"


@cache
def _foreign_drivers() -> Mapping[str, str]:
    """Installed drivers of others: name to ``module:class``. Ours win over equal names."""
    return {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}


def driver_names() -> tuple[str, ...]:
    """Names that a source may use, sorted."""
    return tuple(sorted({**_foreign_drivers(), **settings.CALL_DRIVERS}))


def driver_class(name: str) -> type[CallDriver]:
    """The driver called `name`.

    Raises:
        UnknownDriver: if there is none, or it cannot be loaded, in the language that is spoken.
    """
    places: Mapping[str, str] = {**_foreign_drivers(), **settings.CALL_DRIVERS}
    if name not in places:
        words = gettext("there is no call driver %(driver)s; known: %(known)s")
        raise UnknownDriver(words % {"driver": name, "known": ", ".join(driver_names())})
    try:
        found: object = import_string(places[name].replace(":", "."))
    except ImportError as error:
        words = gettext("call driver %(driver)s (%(place)s) cannot be loaded: %(error)s")
        raise UnknownDriver(
            words % {"driver": name, "place": places[name], "error": error}
        ) from error
    if not isinstance(found, type):
        words = gettext("call driver %(driver)s (%(place)s) is no class")
        raise UnknownDriver(words % {"driver": name, "place": places[name]})
    return found


def driver_title(name: str) -> str:
    """The driver in words, in the language that is spoken; its bare name if it is not installed."""
    try:
        return gettext(driver_class(name).title)
    except UnknownDriver:
        return name


def _is_for_others(option: str) -> bool:
    """`append` is the Recorder's; `lock…` and `faults` speak of the switch behind the source."""
    return option in ("append", "faults") or option.startswith("lock")


def make_driver(name: str, *, source: str, zone: str, options: Mapping[str, object]) -> CallDriver:
    """The driver of one source, with its options checked.

    Raises:
        UnknownDriver: if there is no such driver.
        BadOptions: if its options cannot be used, in the language that is spoken.
    """
    config = DriverConfig(
        source=source,
        zone=ZoneInfo(zone),
        options={key: value for key, value in options.items() if not _is_for_others(key)},
        max_line_bytes=settings.MAX_LINE_BYTES,
        max_fields=settings.MAX_FIELDS,
    )
    try:
        driver = driver_class(name)(config)
    except BadOptions as refusal:
        raise BadOptions(str(said(refusal.words))) from refusal
    if options.get("append") and not driver.can_be_tailed:
        words = gettext("option append: the %(driver)s driver takes whole files")
        raise BadOptions(words % {"driver": name})
    return driver
