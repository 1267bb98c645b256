"""Rows of the people file, checked one by one against what the installation knows.

Nothing is written here. A cell that cannot be used refuses its row, with line,
column and reason; other rows are not touched by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models

from directory.engine.people_file import CUSTOM_COLUMNS, PeopleRow, RefusedRow
from directory.engine.unit_paths import BadPath, clean_path, parse_reference
from directory.models import Line, Role, Site, UnitKind, User
from directory.queries.homes import installation_zone
from kernel.periods import local_midnight
from kernel.sentences import Sentence
from kernel.sentences import sentence as _

ROLE_OF_WORD: Final[dict[str, Role]] = {
    "user": Role.USER,
    "supervisor": Role.SUPERVISOR,
    "admin": Role.ADMIN,
    "administrator": Role.ADMIN,
    "auditor": Role.AUDITOR,
}
UNIT_COLUMNS: Final[dict[str, UnitKind]] = {
    "department": UnitKind.DEPARTMENT,
    "cost_centre": UnitKind.COST_CENTRE,
    "office": UnitKind.OFFICE,
}
TEXT_COLUMNS: Final = ("first_name", "last_name", "email", *CUSTOM_COLUMNS)
PERSONAL_COLUMNS: Final = (*TEXT_COLUMNS, "language", "time_zone", "role")
_EXTENSION = re.compile(r"[\w+*#.@-]+")
_check_username = UnicodeUsernameValidator()

LineKey = tuple[str, str, str]
"""Site name, partition, extension."""

UnitRef = tuple[str, str]
"""Kind and path; the kind is empty where the file does not name it."""


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What one usable row says.

    `personal` holds the columns of the user himself, `units` the path by kind (empty:
    none); both only for columns that the file has. `since` is aware.
    """

    line: int
    username: str
    personal: Mapping[str, str]
    units: Mapping[UnitKind, str]
    supervises: tuple[UnitRef, ...] | None
    manager: str | None
    site: str
    line_key: LineKey | None
    since: datetime | None


class _CellRefused(Exception):
    """This cell cannot be used: why."""

    def __init__(self, words: Sentence) -> None:
        self.words = words
        super().__init__(str(words))


@dataclass(slots=True)
class RowChecker:
    """Checks rows against the sites and users of the installation as it stands."""

    sites: Mapping[str, Site]
    refused: list[RefusedRow] = field(default_factory=list)
    _zones: dict[str, ZoneInfo] = field(default_factory=dict)

    def check(self, row: PeopleRow) -> RowFacts | None:
        """The facts of the row, or None after having noted each cell that is wrong."""
        before = len(self.refused)
        cells = row.cells
        username = self._take(row, "username", _username) or ""
        personal = {
            column: self._take(row, column, _CHECKS[column]) or ""
            for column in PERSONAL_COLUMNS
            if column in cells
        }
        units = {
            kind: self._take(row, column, _path) or ""
            for column, kind in UNIT_COLUMNS.items()
            if column in cells
        }
        supervises = self._supervises(row)
        site = self._take(row, "site", self._site) or ""
        line_key = self._line_key(row, site=site)
        since = self._since(row, site=site)
        manager = cells.get("manager")
        if manager and manager == username:
            self._refuse(row, "manager", _("nobody is his own manager"))
        if supervises and personal.get("role") == Role.USER:
            self._refuse(row, "supervises", _("is filled, but the role is user"))
        if len(self.refused) > before:
            return None
        return RowFacts(
            line=row.line,
            username=username,
            personal=personal,
            units=units,
            supervises=supervises,
            manager=manager,
            site=site,
            line_key=line_key,
            since=since,
        )

    def _take(self, row: PeopleRow, column: str, check: Callable[[str], str]) -> str | None:
        try:
            return check(row.cells.get(column, ""))
        except _CellRefused as refusal:
            self._refuse(row, column, refusal.words)
            return None

    def _refuse(self, row: PeopleRow, column: str, reason: Sentence) -> None:
        self.refused.append(RefusedRow(row.line, column, reason))

    def _site(self, text: str) -> str:
        if not text:
            return ""
        if text not in self.sites:
            known = ", ".join(sorted(self.sites))
            if not known:
                raise _CellRefused(
                    _("there is no site %(site)s; none is known yet", site=repr(text))
                )
            raise _CellRefused(
                _("there is no site %(site)s; known: %(known)s", site=repr(text), known=known)
            )
        return text

    def _line_key(self, row: PeopleRow, *, site: str) -> LineKey | None:
        extension = row.cells.get("extension", "")
        partition = row.cells.get("partition", "")
        if not extension:
            if partition:
                self._refuse(row, "extension", _("is empty, but a partition is given"))
            return None
        if not _EXTENSION.fullmatch(extension):
            self._refuse(row, "extension", _("%(value)s is no extension", value=repr(extension)))
        for column, value in (("extension", extension), ("partition", partition)):
            longest = _longest(Line, column)
            if len(value) > longest:
                self._refuse(row, column, _("is longer than %(most)s characters", most=longest))
        if not site and not row.cells.get("site"):
            if len(self.sites) != 1:
                self._refuse(row, "site", _("is empty: which site's extension is meant?"))
                return None
            site = next(iter(self.sites))
        return (site, partition, extension)

    def _since(self, row: PeopleRow, *, site: str) -> datetime | None:
        text = row.cells.get("valid_from", "")
        if not text:
            return None
        try:
            return instant(text, zone=self._zone(site))
        except ValueError:
            words = _("%(value)s is no date like 2026-01-31 and no ISO instant", value=repr(text))
            self._refuse(row, "valid_from", words)
            return None

    def _zone(self, site: str) -> ZoneInfo:
        if site not in self._zones:
            name = self.sites[site].time_zone if site else installation_zone()
            self._zones[site] = ZoneInfo(name)
        return self._zones[site]

    def _supervises(self, row: PeopleRow) -> tuple[UnitRef, ...] | None:
        if "supervises" not in row.cells:
            return None
        references: list[UnitRef] = []
        for text in row.cells["supervises"].split(";"):
            if not text.strip():
                continue
            try:
                reference = parse_reference(text)
            except BadPath as refusal:
                self._refuse(row, "supervises", refusal.words)
            else:
                references.append(reference)
        return tuple(dict.fromkeys(references))


def instant(text: str, *, zone: ZoneInfo) -> datetime:
    """An ISO date (its first instant in `zone`) or date and time (in `zone` without offset).

    Raises:
        ValueError: if it is neither, or lies outside the years 1970 to 2199.
    """
    written = date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
    if not 1970 <= written.year < 2200:
        raise ValueError(f"the year {written.year} is not plausible")
    if not isinstance(written, datetime):
        return local_midnight(written, zone)
    return (written if written.tzinfo else written.replace(tzinfo=zone)).astimezone(UTC)


def _username(text: str) -> str:
    if not text:
        raise _CellRefused(_("is empty"))
    try:
        _check_username(text)
    except ValidationError:
        raise _CellRefused(
            _("%(value)s may only hold letters, digits and @ . + - _", value=repr(text))
        ) from None
    return _short("username", text)


def _longest(model: type[models.Model], column: str) -> int:
    column_there = model._meta.get_field(column)
    assert isinstance(column_there, models.CharField)
    return column_there.max_length or 0


def _short(column: str, text: str) -> str:
    longest = _longest(User, column)
    if len(text) > longest:
        raise _CellRefused(_("is longer than %(most)s characters", most=longest))
    return text


def _email(text: str) -> str:
    if text:
        try:
            validate_email(text)
        except ValidationError:
            raise _CellRefused(_("%(value)s is no mail address", value=repr(text))) from None
    return _short("email", text)


def _language(text: str) -> str:
    known = [code for code, _name in settings.LANGUAGES]
    code = text.lower().replace("_", "-").partition("-")[0]
    if code and code not in known:
        raise _CellRefused(
            _("%(value)s is not one of %(known)s", value=repr(text), known=", ".join(known))
        )
    return code


def _time_zone(text: str) -> str:
    if text and text not in available_timezones():
        raise _CellRefused(
            _("%(value)s is no time zone; one is written like Europe/Rome", value=repr(text))
        )
    return text


def _role(text: str) -> str:
    if not text:
        return ""
    role = ROLE_OF_WORD.get(text.lower())
    if role is None:
        raise _CellRefused(
            _("%(value)s is not one of %(known)s", value=repr(text), known=", ".join(ROLE_OF_WORD))
        )
    return role


def _path(text: str) -> str:
    try:
        return clean_path(text)
    except BadPath as refusal:
        raise _CellRefused(refusal.words) from None


def _text_check(column: str) -> Callable[[str], str]:
    return lambda text: _short(column, text)


_CHECKS: Final[dict[str, Callable[[str], str]]] = {
    **{column: _text_check(column) for column in TEXT_COLUMNS},
    "email": _email,
    "language": _language,
    "time_zone": _time_zone,
    "role": _role,
}


def in_order_of_time(rows: list[RowFacts]) -> Iterator[RowFacts]:
    """The rows of one person or line, the earliest first; without a date before all others."""
    yield from sorted(rows, key=lambda row: (row.since is not None, row.since or 0, row.line))
