"""How figures are written on pages: money, durations, numbers, dates.

One place, so that the same figure looks the same everywhere. Words follow the
active language, dates and times the active time zone; digits are always Latin
(the CLDR default of the six languages) and durations are `hh:mm:ss` everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import date, datetime
from decimal import Decimal

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency, format_decimal
from babel.units import format_unit
from django import template
from django.core.paginator import Page
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext

from directory.engine.locales import calendar_locale, locale_of
from kernel.money import ceil_div, isolated, to_decimal

register = template.Library()

MS_PER_SECOND = 1000
MICROS_PER_CENT = 10_000
FOUR_TO_SIX_PLACES = (4, 6)
BYTES_A_STEP = 1024
SIZE_UNITS = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte")
NOTHING = "—"


def active_locale() -> Locale:
    """The locale of the language this page is written in."""
    return locale_of(get_language() or "en")


def active_calendar() -> Locale:
    """The locale of the days and times of this page: its language as written in its zone."""
    return calendar_locale(get_language() or "en", timezone.get_current_timezone_name())


def apart(text: str) -> str:
    """An amount, isolated where the text around it runs from right to left."""
    return isolated(text) if active_locale().text_direction == "rtl" else text


@register.filter
def money(micros: int | None, currency: str) -> str:
    """Micro-units as an amount: never rounded, and "not rated" where there is none.

    A missing amount is a state of its own, never 0.00 (design 10). An amount with
    parts of a cent has at least four places, so that columns of them stand straight.
    """
    if micros is None:
        return gettext("not rated")
    amount = to_decimal(micros).normalize()
    if not currency:
        return apart(format_decimal(amount, format="#,##0.00####", locale=active_locale()))
    if micros % MICROS_PER_CENT:
        pattern = copy(active_locale().currency_formats["standard"])
        pattern.frac_prec = FOUR_TO_SIX_PLACES
        return apart(
            str(pattern.apply(amount, active_locale(), currency=currency, currency_digits=False))
        )
    return apart(
        format_currency(amount, currency, locale=active_locale(), decimal_quantization=False)
    )


@register.filter
def money_short(micros: int | None, currency: str) -> SafeString | str:
    """An amount at a glance: rounded to the currency's own places, the exact one behind it.

    For tiles and pictures only; lists and receipts show what is exact.
    """
    if micros is None:
        return gettext("not rated")
    short = apart(format_currency(to_decimal(micros), currency or "EUR", locale=active_locale()))
    return format_html('<span title="{}">{}</span>', money(micros, currency), short)


@register.filter
def duration(milliseconds: int | None) -> str:
    """Milliseconds as `hh:mm:ss`; a begun second counts, as on the bill."""
    seconds = ceil_div(milliseconds or 0, MS_PER_SECOND)
    sign = "-" if seconds < 0 else ""
    minutes, rest = divmod(abs(seconds), 60)
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{rest:02}"


@register.filter
def whole(count: int | None) -> str:
    """A count with the language's thousands separators."""
    return format_decimal(count or 0, locale=active_locale())


@register.filter
def percent(value: object, places: int = 2) -> str:
    """A percentage with at most so many places, its sign as the language writes it: `12.34%`."""
    pattern = copy(active_locale().percent_formats[None])
    pattern.frac_prec = (0, places)
    return apart(str(pattern.apply(Decimal(str(value or 0)) / 100, active_locale())))


@register.filter
def size(count: int | None) -> str:
    """So many bytes in the unit that fits: `35.6 GB`."""
    amount, power = float(count or 0), 0
    while amount >= BYTES_A_STEP and power < len(SIZE_UNITS) - 1:
        amount, power = amount / BYTES_A_STEP, power + 1
    return format_unit(
        amount,
        f"digital-{SIZE_UNITS[power]}",
        length="short",
        format="#,##0.#",
        locale=active_locale(),
    )


@register.filter
def day(value: date | datetime | None) -> str:
    """A date in the reader's language and time zone."""
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    return format_date(value, format="medium", locale=active_calendar())


@register.filter
def clock(value: datetime | None) -> str:
    """A time of day with seconds in the reader's language and time zone."""
    if value is None:
        return NOTHING
    return format_time(timezone.localtime(value), format="medium", locale=active_calendar())


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """Date and time in the reader's language and zone; the exact instant for machines."""
    if value is None:
        return NOTHING
    local = timezone.localtime(value)
    text = format_datetime(local, format="medium", locale=active_calendar())
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), local.tzname() or "", text
    )


@register.filter
def ltr(value: object) -> SafeString:
    """Numbers and codes keep their own direction inside right-to-left text."""
    return format_html('<bdi dir="ltr">{}</bdi>', value)


@register.filter
def mail_address(value: object) -> SafeString:
    """A mail address; where it is too long for its line it breaks before the @."""
    name, at, host = str(value).rpartition("@")
    return format_html('<bdi dir="ltr">{}<wbr>{}</bdi>', name, f"{at}{host}")


@register.simple_tag
def comma() -> str:
    """What stands between the parts of a line: the comma of the reader's script."""
    return "، " if active_locale().language == "ar" else ", "


def listed(parts: Iterable[str]) -> str:
    """Parts of a line one after the other."""
    return comma().join(parts)


@register.filter
def items_in_pages(items: int, pages: int) -> str:
    """The footer of a list: "58 items in 6 pages"."""
    counted = ngettext("%(items)s item", "%(items)s items", items) % {"items": whole(items)}
    paged = ngettext("%(pages)s page", "%(pages)s pages", pages) % {"pages": whole(pages)}
    return gettext("%(items)s in %(pages)s") % {"items": counted, "pages": paged}


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """This page's query string with `changes`; an empty value takes the key away."""
    parameters = context["request"].GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            parameters.pop(name, None)
        else:
            parameters[name] = str(value)
    return f"?{parameters.urlencode()}" if parameters else "?"


@register.filter
def page_numbers(page: Page[object]) -> list[int | str]:
    """The page numbers worth showing, with dots for the rest."""
    return list(page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1))
