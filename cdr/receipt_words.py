"""A call's receipt in the reader's language: engines hand out figures, the words are here.

Every line that changes the price has an amount, and the amounts of a part add up to its
sum exactly; `tests/cdr/test_receipts.py` adds them up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, cast

from babel.dates import format_date, format_datetime, get_day_names
from babel.numbers import format_currency
from django.utils.functional import Promise
from django.utils.translation import get_language_bidi, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from cdr.engine.bands import Timing
from cdr.engine.receipts import ReceiptLine, seconds_text
from cdr.models import Adjustment, Call
from cdr.queries.explanations import Explanation
from cdr.words import ADJUSTMENTS, unrated_cure, unrated_words, word
from directory.templatetags.figures import (
    active_calendar,
    active_locale,
    apart,
    duration,
    listed,
    money,
    percent,
)
from kernel.money import MICROS_PER_UNIT, exact_text

PLACES_SHOWN: Final = 10
PLACES_OF_A_MARKUP: Final = 3
ALL_DAY_MS: Final = 86_400_000
MODES: Final[dict[str, Promise]] = {
    "half_up": gettext_lazy("half up"),
    "half_even": gettext_lazy("half to even"),
    "up": gettext_lazy("up"),
    "down": gettext_lazy("down"),
}
SUMS: Final = frozenset({"sum", "rounding", "share", "markup", "charged"})


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One row: its words, and what it adds, exact, in units of the currency (None: nothing)."""

    kind: str
    words: str
    amount: Fraction | None = None
    is_sum: bool = False
    shown: str = ""


@dataclass(slots=True)
class ReceiptPart:
    """The price of one outside leg under one tariff: what is known of it, then its sum."""

    notes: list[ReceiptRow] = field(default_factory=list)
    rows: list[ReceiptRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """The receipt of a call: its parts, what is charged, and what to do if it has no price."""

    parts: Sequence[ReceiptPart]
    charge_micros: int | None
    currency: str
    adds_up: bool
    is_free: bool
    unrated: str = ""
    cure: str = ""


def exact_money(amount: Fraction, currency: str) -> str:
    """An exact amount; where it has no end, its first places and an ellipsis.

    >>> exact_money(Fraction(1, 3), "EUR")
    '€0.3333333333…'
    """
    has_end = "/" not in exact_text(amount)
    value = Decimal(amount.numerator) / Decimal(amount.denominator)
    if not has_end:
        value = round(value, PLACES_SHOWN)
    text = format_currency(
        value.normalize() if value else Decimal(0),
        currency,
        locale=active_locale(),
        decimal_quantization=False,
    )
    return apart(text if has_end else f"{text}…")


def _apart(text: str) -> str:
    """A figure or a name that keeps its own direction inside a sentence from right to left."""
    return f"\u2068{text}\u2069" if get_language_bidi() else text


def _clock(milliseconds: int) -> str:
    seconds = milliseconds // 1000
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text


def _runs(numbers: Iterable[int], name: Callable[[int], str]) -> str:
    """1, 2, 3, 5 as "1-3, 5", by name."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return listed(
        name(run[0]) if len(run) == 1 else f"{name(run[0])}-{name(run[-1])}" for run in runs
    )


def timing_words(when: Timing) -> str:
    """When a band holds, such as "Mon-Fri 08:00-18:30, not on holidays"."""
    names = get_day_names("abbreviated", locale=active_locale())
    days = _("every day") if len(when.days) == 7 else _runs(when.days, lambda n: names[n - 1])
    whole = when.from_ms == when.to_ms or (when.from_ms, when.to_ms) == (0, ALL_DAY_MS)
    hours = _("all day") if whole else f"{_clock(when.from_ms)}-{_clock(when.to_ms)}"
    parts = [f"{days} {hours}"]
    if when.months is not None:
        parts.append(_("months %(months)s") % {"months": _runs(when.months, str)})
    if when.month_days is not None:
        parts.append(_("days of the month %(days)s") % {"days": _runs(when.month_days, str)})
    if when.holiday is not None:
        parts.append(_("on holidays") if when.holiday else _("not on holidays"))
    return listed(parts)


def _party(values: Mapping[str, Any], _line: ReceiptLine, _currency: str) -> str:
    words = {
        "party": _apart(values["party"]),
        "talk": duration(values["talk_ms"]),
        "parts": values["segments"],
    }
    if values["segments"] == 1:
        return _("Talk with %(party)s: %(talk)s") % words
    return _("Talk with %(party)s: %(talk)s in %(parts)s parts, priced once") % words


def _prefix(values: Mapping[str, Any], _line: ReceiptLine, _currency: str) -> str:
    if "prefix" not in values:
        return _("Tariff %(tariff)s: no prefix fits") % values
    words = {
        "tariff": _apart(values["tariff"]),
        "prefix": _apart(values["prefix"] or "—"),
        "area": values["area"] and _apart(values["area"]),
    }
    text = (
        _("Tariff %(tariff)s, longest prefix that fits: %(prefix)s (%(area)s)") % words
        if words["area"]
        else _("Tariff %(tariff)s, longest prefix that fits: %(prefix)s") % words
    )
    since, until = values["valid_from"], values["valid_to"]
    if since and until:
        span = _("valid from %(since)s until before %(until)s")
    elif since:
        span = _("valid from %(since)s")
    elif until:
        span = _("valid until before %(until)s")
    else:
        return text
    days = {name: _day(at) for name, at in (("since", since), ("until", until)) if at}
    return _("%(text)s; %(span)s") % {"text": text, "span": span % days}


def _day(at: datetime) -> str:
    return format_date(at.date(), format="medium", locale=active_calendar())


def _band(values: Mapping[str, Any], _line: ReceiptLine, _currency: str) -> str:
    words = {
        "moment": _apart(
            format_datetime(
                values["answered"].replace(tzinfo=None), format="medium", locale=active_calendar()
            )
        ),
        "zone": _apart(values["time_zone"]),
        "band": values["band"],
        "timing": _apart(timing_words(values["timing"])),
    }
    if values["splits"]:
        return (
            _(
                "Answered %(moment)s (%(zone)s): begins in band %(band)s, %(timing)s;"
                " each increment is priced by the band it begins in"
            )
            % words
        )
    return (
        _("Answered %(moment)s (%(zone)s): band %(band)s, %(timing)s; it prices the whole call")
        % words
    )


def _step(values: Mapping[str, Any], line: ReceiptLine, currency: str) -> str:
    assert line.increments is not None and line.increment_ms and line.per_ms  # noqa: PT018, S101
    words = {
        "start": seconds_text(line.start_ms or 0),
        "count": line.increments,
        "increment": seconds_text(line.increment_ms),
        "billed": seconds_text(line.billed_ms or 0),
        "price": _apart(exact_money(Fraction(line.price or 0), currency)),
        "per": seconds_text(line.per_ms),
        "band": values.get("band"),
    }
    if words["band"]:
        return (
            _(
                "From second %(start)s, in band %(band)s: %(count)s × %(increment)s s"  # noqa: RUF001
                " = %(billed)s s at %(price)s per %(per)s s"
            )
            % words
        )
    return (
        _(
            "From second %(start)s: %(count)s × %(increment)s s = %(billed)s s"  # noqa: RUF001
            " at %(price)s per %(per)s s"
        )
        % words
    )


def _rounding(values: Mapping[str, Any], _line: ReceiptLine, _currency: str) -> str:
    if values["mode"] == "none":
        return _("Not rounded")
    return ngettext(
        "Rounding %(mode)s to %(decimals)s decimal, once: the difference",
        "Rounding %(mode)s to %(decimals)s decimals, once: the difference",
        values["decimals"],
    ) % {"mode": word(MODES, values["mode"]), "decimals": values["decimals"]}


def _maximum(values: Mapping[str, Any], line: ReceiptLine, currency: str) -> str:
    words = {"maximum": exact_money(Fraction(values["maximum"]), currency)}
    if line.amount is not None:
        return _("Never more than %(maximum)s: the rest is free") % words
    return (
        _("The call ran past %(maximum)s, where it should have been cut; it is priced in full")
        % words
    )


def _share(values: Mapping[str, Any], _line: ReceiptLine, _currency: str) -> str:
    return _("This part's share: %(own)s of %(all)s of talk") % {
        "own": _apart(duration(values["own_ms"])),
        "all": _apart(duration(values["all_ms"])),
    }


def _markup(values: Mapping[str, Any], _line: ReceiptLine, currency: str) -> str:
    words = {
        "percent": percent(values["percent"], PLACES_OF_A_MARKUP),
        "surcharge": money(values["surcharge_micros"], currency),
    }
    if not values["surcharge_micros"]:
        return _("Mark-up of %(percent)s") % words
    if not values["percent"]:
        return _("Surcharge of %(surcharge)s a call") % words
    return _("Mark-up of %(percent)s and surcharge of %(surcharge)s") % words


def _says(text: Promise) -> Callable[[Mapping[str, Any], ReceiptLine, str], str]:
    return lambda values, _line, _currency: str(text) % values


WORDS: Final[dict[str, Callable[[Mapping[str, Any], ReceiptLine, str], str]]] = {
    "party": _party,
    "carrier": _says(gettext_lazy("Carrier %(carrier)s")),
    "prefix": _prefix,
    "band": _band,
    "step": _step,
    "rounding": _rounding,
    "maximum": _maximum,
    "share": _share,
    "markup": _markup,
    "fee": _says(gettext_lazy("Connect fee, once")),
    "sum": _says(gettext_lazy("Exact amount")),
    "free": lambda values, _line, _currency: (
        _("The first %(seconds)s s are free") % {"seconds": seconds_text(values["free_ms"])}
    ),
    "grace": lambda values, _line, _currency: (
        _("Calls of up to %(seconds)s s cost nothing")
        % {"seconds": seconds_text(values["grace_ms"])}
    ),
    "minimum": lambda values, _line, currency: (
        _("Never less than %(minimum)s")
        % {"minimum": exact_money(Fraction(values["minimum"]), currency)}
    ),
    "unanswered": _says(gettext_lazy("Nobody answered: costs nothing")),
    "emergency": _says(gettext_lazy("Emergency calls are free")),
    "internal": _says(gettext_lazy("An internal call: nothing to pay")),
    "not_dialled": _says(
        gettext_lazy("Nobody here dialled outside in this part: nothing to pay here")
    ),
    "charge_tariff": _says(gettext_lazy("What the payer is charged, by a tariff of its own:")),
    "charged": _says(gettext_lazy("Charged to the payer")),
    "unrated": lambda values, _line, _currency: unrated_words(
        str(values["reason"]).removeprefix("charge_")
    ),
}


def line_words(line: ReceiptLine, currency: str) -> str:
    """One line of a receipt in the reader's language; its amount is not among the words."""
    say = WORDS.get(line.kind)
    return say(line.values, line, currency) if say else line.text


def receipt_of(explanation: Explanation, call: Call) -> ReceiptPage:
    """The receipt as a page shows it."""
    currency = explanation.currency
    parts = [ReceiptPart()]
    for line in explanation.entries:
        if line.kind in ("party", "charge_tariff") and (parts[-1].notes or parts[-1].rows):
            parts.append(ReceiptPart())
        row = _row(line, currency)
        target = parts[-1].rows if row.amount is not None or row.is_sum else parts[-1].notes
        target.append(row)
    reason = call.unrated_reason
    return ReceiptPage(
        parts=parts,
        charge_micros=call.charge_micros,
        currency=currency,
        adds_up=explanation.adds_up,
        is_free=not any(part.rows for part in parts) and not reason,
        unrated=unrated_words(reason) if reason else "",
        cure=unrated_cure(reason) if reason else "",
    )


def receipt_rows(lines: Iterable[ReceiptLine], currency: str) -> list[ReceiptRow]:
    """The lines of a receipt that belongs to no call, such as a number that is tried."""
    return [_row(line, currency) for line in lines]


def _row(line: ReceiptLine, currency: str) -> ReceiptRow:
    amount, is_sum = line.amount, line.kind in SUMS
    values = cast("Mapping[str, Any]", line.values)
    if line.kind == "rounding":
        # What rounding adds, so that the column adds up to the sum below it.
        amount, is_sum = values["cost"] - values["exact"], False
    elif line.kind == "sum":
        amount = values["exact"]
    elif line.kind == "share":
        amount = _units(values["own_micros"])
    elif line.kind in ("markup", "charged"):
        amount = _units(values["charge_micros"])
    shown = "" if amount is None else exact_money(amount, currency)
    return ReceiptRow(line.kind, line_words(line, currency), amount, is_sum, shown)


def _units(micros: int) -> Fraction:
    return Fraction(micros, MICROS_PER_UNIT)


def timeline_of(call: Call, adjustments: Iterable[Adjustment]) -> list[dict[str, Any]]:
    """What happened to the call, in order: its own course, then what was changed later."""
    entries: list[dict[str, Any]] = [
        {"moment": call.started_at, "words": _("The call began"), "mood": "info"}
    ]
    if call.answered_at is not None:
        rang = _("Answered after %(ring)s") % {"ring": duration(call.ring_ms)}
        entries.append({"moment": call.answered_at, "words": rang, "mood": "good"})
        ended = _("Ended after %(talk)s of talk") % {"talk": duration(call.talk_ms)}
    else:
        ended = _("Ended unanswered after ringing for %(ring)s") % {"ring": duration(call.ring_ms)}
    entries.append({"moment": call.ended_at, "words": ended, "mood": "quiet"})
    return [*entries, *(_adjusted(one, call.currency) for one in adjustments)]


def _adjusted(adjustment: Adjustment, currency: str) -> dict[str, Any]:
    change = _("Charge: %(old)s before, %(new)s since") % {
        "old": money(adjustment.old_charge_micros, currency),
        "new": money(adjustment.new_charge_micros, currency),
    }
    return {
        "moment": adjustment.made_at,
        "words": word(ADJUSTMENTS, adjustment.reason),
        "by": adjustment.made_by,
        "detail": f"{change}. {adjustment.note}" if adjustment.note else change,
        "mood": "warn",
    }
