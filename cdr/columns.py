"""The columns of a list of calls: what each says on a page and in a file.

One place, so that what is shown, copied and exported is the same. A cell of a page is
safe HTML; a value of a file is a date, a time, a span, an amount or a text, and the file
writes it in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from datetime import timezone as fixed_zone
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cdr.models import CallStatus
from cdr.queries.calls import ListedCall
from cdr.words import CALL_TYPES, CLASSES, KIND_ICONS, STATUS, TYPE_HINTS, unrated_words, word
from directory.templatetags.figures import clock, day, duration, ltr, money
from kernel.money import to_decimal

BRIDGE: Final = re.compile(r"b\d{6,}")
NOTHING: Final = format_html('<span class="text-secondary">{}</span>', "—")

Value = str | date | time | timedelta | Decimal | None


@dataclass(frozen=True, slots=True)
class Cell:
    """What a column is made of for one call, given the reader's zone."""

    call: ListedCall
    zone: ZoneInfo
    onward: str = ""

    @property
    def local(self) -> datetime:
        return self.call.started_at.astimezone(self.zone)

    @property
    def local_time(self) -> time:
        """The time of day with the offset of that day: a zone alone has none."""
        offset = self.local.utcoffset() or timedelta(0)
        return self.local.replace(microsecond=0, tzinfo=fixed_zone(offset)).timetz()


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in addresses, its head, and what stands in it.

    `definition` names the figure's definition; `css` is `tg-figure` for figures and
    `tight` for what must not break; `sort` names the order that its head asks for.
    """

    key: str
    label: Promise
    cell: Callable[[ListedCall], str]
    value: Callable[[Cell], Value]
    css: str = ""
    definition: str = ""
    width: int = 14
    sort: str = ""


def address_of(**words: object) -> str:
    """The list of calls, narrowed."""
    return f"{reverse('cdr:calls')}?{urlencode(words)}"


def kind_mark(kind: str, words: str, hint: str = "") -> SafeString:
    """A call's type: sign, word and colour. Arrows of direction do not mirror."""
    return format_html(
        '<span class="kind {}"{}><svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        '<path d="{}"/></svg> {}</span>',
        kind,
        format_html(' title="{}"', hint) if hint else "",
        KIND_ICONS.get(kind, KIND_ICONS["forwarded"]),
        words,
    )


def type_mark(call_type: str, kind: str) -> SafeString:
    """The mark of one call type."""
    return kind_mark(kind, word(CALL_TYPES, call_type), word(TYPE_HINTS, call_type))


def number_link(call: ListedCall) -> SafeString:
    """The other party's masked number as a link to all calls with it (F059), and its name."""
    if call.number:
        link = format_html(
            '<a href="{}" title="{}"><strong>{}</strong></a>',
            address_of(same=call.number_key),
            gettext("All calls with this number"),
            _said_number(call),
        )
        return with_contact(link, call.contact)
    if call.is_withheld:
        return format_html('<span class="text-secondary">{}</span>', gettext("private"))
    return NOTHING


def _said_number(call: ListedCall) -> SafeString | str:
    """The number; a conference bridge has none, only an id that says nothing to people."""
    if call.is_internal and BRIDGE.fullmatch(call.number):
        return gettext("conference")
    return ltr(call.number)


def with_contact(number: SafeString, name: str) -> SafeString:
    """A number with the name out of the phone book below it (F051); copied without it."""
    return _with_note(number, name) if name else number


def _with_note(cell: SafeString, note: str) -> SafeString:
    """What a cell says, and a note below it in small; copied without it."""
    return format_html(
        '<span class="tg-named"><span data-cell>{}</span>'
        ' <span class="tg-contact" title="{}"><bdi>{}</bdi></span></span>',
        cell,
        note,
        note,
    )


def _link(text: str, title: str, **words: object) -> SafeString:
    if not text:
        return NOTHING
    return format_html(
        '<a class="tg-soft" href="{}" title="{}">{}</a>', address_of(**words), title, text
    )


def _type(call: ListedCall) -> SafeString:
    """The type; where voicemail took the call, it says whose its minutes are."""
    mark = type_mark(call.call_type, call.kind)
    return _with_note(mark, gettext("voicemail")) if call.is_voicemail else mark


def _extension(call: ListedCall) -> SafeString:
    if not call.extension:
        return NOTHING
    place = f"{call.site} / {call.partition}" if call.partition else call.site
    return format_html(
        '<a class="tg-soft" href="{}" title="{}">{}</a>',
        address_of(extension=call.extension),
        place,
        ltr(call.extension),
    )


def _time(call: ListedCall) -> SafeString:
    zone = timezone.localtime(call.started_at).tzname() or ""
    return format_html('<span title="{}">{}</span>', zone, clock(call.started_at))


def _duration(call: ListedCall) -> SafeString:
    if call.is_answered:
        return ltr(duration(call.talk_ms))
    rang = gettext("Rang for %(ring)s") % {"ring": duration(call.ring_ms)}
    return format_html('<span title="{}">{}</span>', rang, ltr(duration(call.talk_ms)))


def _amount(micros: int | None, call: ListedCall) -> SafeString:
    if micros is None:
        return format_html(
            '<span class="tg-badge warn" title="{}">{}</span>',
            unrated_words(call.unrated_reason),
            money(None, call.currency),
        )
    return format_html('<span class="text-nowrap">{}</span>', money(micros, call.currency))


def _gateway(call: ListedCall) -> SafeString:
    if call.is_internal:
        return format_html('<span class="text-secondary">{}</span>', gettext("Internal calls"))
    title = f"{call.gateway} · {call.carrier}" if call.carrier else call.gateway
    return _link(short_device(call.gateway), title, gateway=call.gateway)


def short_device(name: str) -> str:
    """A gateway's name as people say it: of a port at a host (MGCP), the host's own name.

    >>> short_device("S0/SU0/DS1-0@gw-milan.example.com")
    'gw-milan'
    """
    port, _at, host = name.partition("@")
    return host.partition(".")[0] or port


def _unit(path: str, pk: int | None, kind: str, title: str) -> SafeString:
    return _link(path, title, **{kind: pk or ""})


def _text(text: str) -> str:
    return text or NOTHING


def _decimal(micros: int | None) -> Decimal | None:
    return None if micros is None else to_decimal(micros)


def _span(milliseconds: int) -> timedelta:
    return timedelta(milliseconds=milliseconds)


COLUMNS: Final[tuple[Column, ...]] = (
    Column(
        "type",
        _("Type"),
        _type,
        lambda cell: word(CALL_TYPES, cell.call.call_type),
        width=24,
    ),
    Column("extension", _("Extension"), _extension, lambda cell: cell.call.extension),
    Column(
        "name",
        _("Name"),
        lambda call: _text(call.name),
        lambda cell: cell.call.name,
        css="tg-name-cell",
        width=24,
    ),
    Column(
        "number",
        _("Number"),
        number_link,
        lambda cell: cell.call.number or (gettext("private") if cell.call.is_withheld else ""),
        css="tight",
        width=20,
    ),
    Column(
        "contact",
        _("Contact"),
        lambda call: _text(call.contact),
        lambda cell: cell.call.contact,
        css="tg-call-long",
        width=24,
    ),
    Column(
        "from",
        _("From"),
        lambda call: number_link(call) if call.comes_in else _extension(call),
        lambda cell: cell.call.number if cell.call.comes_in else cell.call.extension,
        css="tight",
        width=20,
    ),
    Column(
        "to",
        _("To"),
        lambda call: _extension(call) if call.comes_in else number_link(call),
        lambda cell: cell.call.extension if cell.call.comes_in else cell.call.number,
        css="tight",
        width=20,
    ),
    Column(
        "date",
        _("Date"),
        lambda call: day(call.started_at),
        lambda cell: cell.local.date(),
        css="tight",
        sort="time",
    ),
    Column(
        "time",
        _("Time"),
        _time,
        lambda cell: cell.local_time,
        css="tight",
        sort="time",
    ),
    Column(
        "duration",
        _("Duration"),
        _duration,
        lambda cell: _span(cell.call.talk_ms),
        css="tg-figure",
        definition="duration",
        sort="duration",
    ),
    Column(
        "ring",
        _("Ring time"),
        lambda call: ltr(duration(call.ring_ms)),
        lambda cell: _span(cell.call.ring_ms),
        css="tg-figure",
        definition="ring_time",
        sort="ring",
    ),
    Column(
        "billed",
        _("Billed time"),
        lambda call: ltr(duration(call.billed_ms)),
        lambda cell: _span(cell.call.billed_ms),
        css="tg-figure",
        definition="billed_time",
    ),
    Column(
        "cost",
        _("Cost"),
        lambda call: _amount(call.charge_micros, call),
        lambda cell: _decimal(cell.call.charge_micros),
        css="tg-figure",
        definition="cost",
        sort="cost",
    ),
    Column(
        "carrier_cost",
        _("Carrier's price"),
        lambda call: _amount(call.cost_micros, call),
        lambda cell: _decimal(cell.call.cost_micros),
        css="tg-figure",
        definition="carrier_cost",
    ),
    Column(
        "gateway",
        _("Gateway"),
        _gateway,
        lambda cell: gettext("Internal calls") if cell.call.is_internal else cell.call.gateway,
        css="tg-call-long",
        width=20,
    ),
    Column(
        "carrier",
        _("Carrier"),
        lambda call: _text(call.carrier),
        lambda cell: cell.call.carrier,
        css="tg-call-long",
        width=20,
    ),
    Column(
        "class",
        _("Destination class"),
        lambda call: word(CLASSES, call.number_class),
        lambda cell: word(CLASSES, cell.call.number_class),
        width=18,
    ),
    Column(
        "area",
        _("Area"),
        lambda call: _link(call.area, gettext("All calls with this area"), area=call.area),
        lambda cell: cell.call.area,
        css="tg-call-long",
        width=20,
    ),
    Column(
        "tariff",
        _("Tariff"),
        lambda call: _text(call.tariff),
        lambda cell: cell.call.tariff,
        css="tg-call-long",
        width=24,
    ),
    Column(
        "department",
        _("Department"),
        lambda call: _unit(
            call.department,
            call.department_id,
            "department",
            gettext("All calls of this department"),
        ),
        lambda cell: cell.call.department,
        css="tg-call-long",
        width=24,
    ),
    Column(
        "cost_centre",
        _("Cost centre"),
        lambda call: _unit(
            call.cost_centre,
            call.cost_centre_id,
            "cost_centre",
            gettext("All calls of this cost centre"),
        ),
        lambda cell: cell.call.cost_centre,
        css="tg-call-long",
        width=20,
    ),
    Column(
        "office",
        _("Office"),
        lambda call: _unit(
            call.office, call.office_id, "office", gettext("All calls of this office")
        ),
        lambda cell: cell.call.office,
        css="tg-call-long",
        width=20,
    ),
    Column("site", _("Site"), lambda call: _text(call.site), lambda cell: cell.call.site),
    Column(
        "status",
        _("Status"),
        lambda call: (
            word(STATUS, call.status)
            if call.status == CallStatus.RATED
            else unrated_words(call.unrated_reason)
        ),
        lambda cell: (
            word(STATUS, cell.call.status)
            if cell.call.status == CallStatus.RATED
            else unrated_words(cell.call.unrated_reason)
        ),
        css="tg-call-long",
        width=24,
    ),
)
BY_KEY: Final = {column.key: column for column in COLUMNS}
DEFAULT: Final = (
    "type",
    "extension",
    "name",
    "number",
    "date",
    "time",
    "duration",
    "cost",
    "gateway",
)
"""The nine of the home page (F047 to F056)."""


def columns_named(keys: Iterable[str]) -> Sequence[Column]:
    """The columns of that name, in the order of the list; the usual nine for none."""
    chosen = set(keys)
    return [column for column in COLUMNS if column.key in chosen] or [
        BY_KEY[key] for key in DEFAULT
    ]
