"""What people may narrow a list of calls down to, and how that is said in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cdr.models import CallType, Carrier, Gateway
from cdr.queries.call_filters import TRAFFIC, CallFilter
from cdr.queries.call_order import NEWEST_FIRST, Order
from cdr.words import CALL_TYPES, CLASSES, KINDS
from directory.fields import DayField
from directory.queries.units import UNIT_FIELDS
from directory.roles import OVERSEERS
from directory.scoping import Scope, people_visible_to, supervisions_of, units_visible_to
from directory.templatetags.figures import day, duration
from kernel.money import to_micros
from kernel.periods import ONE_DAY, local_date

MS_A_SECOND: Final = 1000
MOST_PEOPLE: Final = 200
MOST_MICROS: Final = Decimal(9_000_000_000)

RANGE: Final = "range"
EVER: Final = "all"
PERIODS: Final[dict[str, Promise]] = {
    "today": _("Today"),
    "yesterday": _("Yesterday"),
    "this_week": _("This week"),
    "last_week": _("Last week"),
    "this_month": _("This month"),
    "last_month": _("Last month"),
    "last_30_days": _("Last 30 days"),
    EVER: _("All time"),
    RANGE: _("Chosen days"),
}
USUAL_PERIOD: Final = "last_30_days"
"""Full on the first of a month too, unlike "this month"; and a page of it is read at once."""
WIDER: Final = {
    "today": "this_week",
    "yesterday": "last_week",
    "this_week": "this_month",
    "last_week": "last_month",
    "this_month": "last_30_days",
    "last_month": EVER,
    "last_30_days": EVER,
    RANGE: EVER,
}
LED: Final = "led"
"""The name among what is offered of the units that the reader leads."""
ANY: Final = ("", _("All"))
ORDERS: Final[dict[str, Promise]] = {
    "": _("Newest first"),
    "time": _("Oldest first"),
    "-cost": _("Dearest first"),
    "cost": _("Cheapest first"),
    "-duration": _("Longest first"),
    "duration": _("Shortest first"),
    "-ring": _("Longest ringing first"),
    "ring": _("Shortest ringing first"),
}
"""What may come first, as it stands in the address; newest first needs no word there."""


def days_of(period: str, today: date) -> tuple[date | None, date | None]:
    """The first and the last day of a period with a name; weeks begin on Monday.

    >>> days_of("last_week", date(2026, 11, 22))
    (datetime.date(2026, 11, 9), datetime.date(2026, 11, 15))
    """
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    before = first - ONE_DAY
    spans: Mapping[str, tuple[date | None, date | None]] = {
        "today": (today, today),
        "yesterday": (today - ONE_DAY, today - ONE_DAY),
        "this_week": (monday, monday + timedelta(days=6)),
        "last_week": (monday - timedelta(days=7), monday - ONE_DAY),
        "this_month": (first, (first + timedelta(days=31)).replace(day=1) - ONE_DAY),
        "last_month": (before.replace(day=1), before),
        "last_30_days": (today - timedelta(days=29), today),
    }
    return spans.get(period, (None, None))


class SpanField(forms.CharField):
    """A length of time as people write it: `90`, `1:30`, `0:01:30`. Gives milliseconds."""

    default_error_messages: ClassVar = {
        "invalid": _("Write seconds (90) or minutes and seconds (1:30).")
    }

    def __init__(self, **words: Any) -> None:
        super().__init__(max_length=12, required=False, **words)
        self.widget.attrs |= {"placeholder": "m:ss", "dir": "ltr", "inputmode": "numeric"}

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        if not re.fullmatch(r"\d{1,7}|\d{1,5}:\d{1,2}|\d{1,4}:\d{1,2}:\d{1,2}", text, re.ASCII):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        seconds = 0
        for part in text.split(":"):
            seconds = seconds * 60 + int(part)
        return seconds * MS_A_SECOND


def _choices(words: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [ANY, *words.items()]


def _amount(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal(0),
        max_value=MOST_MICROS,
        decimal_places=6,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "dir": "ltr"}),
    )


class CallFilterForm(forms.Form):
    """Which calls to list. Everything is optional, and all of it stands in the address."""

    period = forms.ChoiceField(label=_("Period"), required=False, choices=[*PERIODS.items()])
    start = DayField(label=_("From"), required=False)
    end = DayField(label=_("To"), required=False)
    whose = forms.ChoiceField(label=_("Whose calls"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=_choices(KINDS))
    number = forms.CharField(
        label=_("Number"),
        required=False,
        max_length=64,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "inputmode": "tel", "placeholder": _("typed in full")}
        ),
    )

    traffic = forms.ChoiceField(
        label=_("Traffic"),
        required=False,
        choices=_choices(dict(zip(TRAFFIC, (_("outside"), _("inside the company")), strict=True))),
    )
    type = forms.ChoiceField(
        label=_("Type"),
        required=False,
        choices=_choices({kind.value: CALL_TYPES[kind] for kind in CallType}),
    )
    answered = forms.ChoiceField(
        label=_("Answered"),
        required=False,
        choices=_choices({"yes": _("answered"), "no": _("not answered")}),
    )
    number_class = forms.ChoiceField(
        label=_("Destination class"), required=False, choices=_choices(CLASSES)
    )
    area = forms.CharField(label=_("Area"), required=False, max_length=120)
    extension = forms.CharField(label=_("Extension"), required=False, max_length=50)
    person = forms.CharField(
        label=_("Person"),
        required=False,
        max_length=150,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "placeholder": _("name or user name")}
        ),
    )
    department = forms.TypedChoiceField(
        label=_("Department"), required=False, coerce=int, empty_value=None
    )
    cost_centre = forms.TypedChoiceField(
        label=_("Cost centre"), required=False, coerce=int, empty_value=None
    )
    office = forms.TypedChoiceField(label=_("Office"), required=False, coerce=int, empty_value=None)
    gateway = forms.CharField(
        label=_("Gateway"),
        required=False,
        max_length=129,
        widget=forms.TextInput(attrs={"list": "gateways", "autocomplete": "off"}),
    )
    carrier = forms.TypedChoiceField(
        label=_("Carrier"), required=False, coerce=int, empty_value=None
    )
    min_duration = SpanField(label=_("Talked at least"))
    max_duration = SpanField(label=_("Talked at most"))
    min_cost = _amount(_("Costs at least"))
    max_cost = _amount(_("Costs at most"))
    unrated = forms.BooleanField(label=_("Only calls that are not rated"), required=False)
    sort = forms.ChoiceField(label=_("Order"), required=False, choices=[*ORDERS.items()])
    same = forms.CharField(required=False, max_length=512, widget=forms.HiddenInput)

    ALWAYS: Final = ("period", "start", "end", "whose", "kind", "number", "sort")
    """The fields that stand above the list at all times; the others are folded away."""
    ALIASES: Final = {"class": "number_class"}

    def __init__(self, asked: QueryDict, *, scope: Scope, zone: ZoneInfo) -> None:
        self.scope = scope
        self.zone = zone
        self.today = local_date(scope.at, zone)
        super().__init__(self._completed(asked))
        self._offer()

    def _completed(self, asked: QueryDict) -> Any:
        """What was asked for, with the period that counts: a preset leaves no dates behind."""
        words: Any = asked.copy()
        for alias, name in self.ALIASES.items():
            if alias in words and name not in words:
                words[name] = words[alias]
        dated = bool(words.get("start") or words.get("end"))
        if words.get("period") not in PERIODS:
            whole = bool(words.get("same") or words.get("number"))
            words["period"] = RANGE if dated else EVER if whole else USUAL_PERIOD
        if words.get("sort") == str(NEWEST_FIRST):
            words["sort"] = ""
        if words["period"] != RANGE:
            words.pop("start", None)
            words.pop("end", None)
        return words

    def _offer(self) -> None:
        oversees = self.scope.role in OVERSEERS
        offered = self._offered(oversees=oversees)
        whose = {"mine": _("Only mine")}
        if offered[LED]:
            whose["team"] = _("My team")
        everything = _("Everybody") if self.scope.sees_everything else _("My team")
        self._choose("whose", [("", everything), *whose.items()])
        self.gateways = sorted({words for _pk, words in offered["gateway"] if "*" not in words})
        for name in ("carrier", *UNIT_FIELDS.values()):
            self._choose(name, [ANY, *offered[name]])
            if not offered[name]:
                self.fields[name].widget = forms.HiddenInput()
        for name in () if oversees else ("whose", "person"):
            del self.fields[name]

    def _offered(self, *, oversees: bool) -> dict[str, list[tuple[int, str]]]:
        """Carriers, gateways and units to choose from, in one question.

        With it whether those who see everything lead a unit besides, and have a team.
        """
        offered: dict[str, list[tuple[int, str]]] = {
            name: [] for name in ("carrier", "gateway", LED, *UNIT_FIELDS.values())
        }
        rows = _named(Carrier.objects.all(), "carrier", "name").union(
            _named(Gateway.objects.all(), "gateway", "device"), all=True
        )
        if oversees:
            for kind, name in UNIT_FIELDS.items():
                units = units_visible_to(self.scope).filter(kind=kind)
                rows = rows.union(_named(units, name, "path"), all=True)
        if self.scope.sees_everything:
            rows = rows.union(_named(supervisions_of(self.scope), LED, "unit_id"), all=True)
        for name, pk, words in rows:
            offered[name].append((pk, words))
        for choices in offered.values():
            choices.sort(key=lambda choice: choice[1].casefold())
        return offered

    def _choose(self, name: str, choices: Sequence[tuple[Any, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = choices

    def always(self) -> list[forms.BoundField]:
        """The fields that are always in view."""
        return [self[name] for name in self.ALWAYS if name in self.fields]

    def folded(self) -> list[forms.BoundField]:
        """The fields behind "more filters"."""
        return [field for field in self.visible_fields() if field.name not in self.ALWAYS]

    def clean(self) -> dict[str, Any]:
        """Refuse ranges that end before they start."""
        cleaned = super().clean() or self.cleaned_data
        pairs = (
            ("start", "end", _("The end lies before the start.")),
            ("min_duration", "max_duration", _("The upper bound lies below the lower one.")),
            ("min_cost", "max_cost", _("The upper bound lies below the lower one.")),
        )
        for low, high, words in pairs:
            least, most = cleaned.get(low), cleaned.get(high)
            if least is not None and most is not None and most < least:
                self.add_error(high, words)
        return cleaned

    def wanted(self) -> CallFilter:
        """The checked words as a filter; call it on a valid form only."""
        words = self.cleaned_data
        first, last = days_of(words["period"], self.today)
        answered = {"yes": True, "no": False}.get(words["answered"])
        return CallFilter(
            zone=self.zone,
            from_day=words["start"] or first,
            to_day=words["end"] or last,
            whose=words.get("whose", ""),
            traffic=words["traffic"],
            kind=words["kind"],
            call_type=words["type"],
            is_answered=answered,
            number_class=words["number_class"],
            extension=words["extension"],
            person_ids=self._people(words.get("person", "")),
            department=words["department"],
            cost_centre=words["cost_centre"],
            office=words["office"],
            gateway=words["gateway"],
            carrier=words["carrier"],
            area=words["area"],
            min_talk_ms=words["min_duration"],
            max_talk_ms=words["max_duration"],
            min_charge_micros=_micros(words["min_cost"]),
            max_charge_micros=_micros(words["max_cost"]),
            is_unrated=words["unrated"],
            number=words["number"],
            same=words["same"],
        )

    def order(self) -> Order:
        """What is to come first; call it on a valid form only."""
        return Order.named(self.cleaned_data["sort"]) or NEWEST_FIRST

    def _people(self, typed: str) -> tuple[int, ...] | None:
        """The people in scope whose user name is `typed`, or whose name has all its words."""
        if not typed:
            return None
        people = people_visible_to(self.scope)
        exact = people.filter(username__iexact=typed).values_list("pk", flat=True)[:1]
        if exact:
            return tuple(exact)
        where = Q()
        for part in typed.split():
            where &= Q(first_name__icontains=part) | Q(last_name__icontains=part)
        named = people.filter(where).distinct().values_list("pk", flat=True)
        return tuple(sorted(named[:MOST_PEOPLE]))


def _named(rows: QuerySet[Any], kind: str, column: str) -> QuerySet[Any, Any]:
    """What may be chosen, as rows of one shape: what it is, its id, its name."""
    return rows.order_by().values_list(Value(kind, CharField()), "pk", Cast(column, CharField()))


def _micros(amount: Decimal | None) -> int | None:
    return None if amount is None else to_micros(amount)


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing the list is narrowed to: its field, its words, and what takes it away."""

    field: str
    words: str
    changes: Mapping[str, str]


FIELD_OF: Final = {
    "whose": "whose",
    "kind": "kind",
    "traffic": "traffic",
    "type": "call_type",
    "answered": "is_answered",
    "number_class": "number_class",
    "area": "area",
    "extension": "extension",
    "person": "person_ids",
    "department": "department",
    "cost_centre": "cost_centre",
    "office": "office",
    "gateway": "gateway",
    "carrier": "carrier",
    "min_duration": "min_talk_ms",
    "max_duration": "max_talk_ms",
    "min_cost": "min_charge_micros",
    "max_cost": "max_charge_micros",
    "unrated": "is_unrated",
    "number": "number",
    "same": "same",
}
"""The form's fields and those of the filter, for finding out which one stands in the way."""


def period_words(form: CallFilterForm) -> str:
    """The period in words: its name, or its days."""
    words = form.cleaned_data
    start, end = words.get("start"), words.get("end")
    if words["period"] != RANGE:
        return str(PERIODS[words["period"]])
    if start and end:
        return gettext("%(start)s to %(end)s") % {"start": day(start), "end": day(end)}
    if start:
        return gettext("from %(start)s") % {"start": day(start)}
    return gettext("until %(end)s") % {"end": day(end)} if end else str(PERIODS[EVER])


def chips_of(form: CallFilterForm, *, number: str = "") -> list[Chip]:
    """What the list is narrowed to, in the order of the form. `number` is a masked number."""
    words = form.cleaned_data
    chips = []
    if words["period"] != EVER:
        chips.append(Chip("period", period_words(form), {"period": EVER, "start": "", "end": ""}))
    for name in FIELD_OF:
        value = words.get(name)
        if value in (None, "", False):
            continue
        changes = {name: ""}
        if name == "number_class":
            changes["class"] = ""
        chips.append(Chip(name, _chip_words(form, name, value, number=number), changes))
    return chips


def _chip_words(form: CallFilterForm, name: str, value: Any, *, number: str) -> str:
    if name == "unrated":
        return gettext("not rated")
    if name in ("number", "same"):
        shown = number or gettext("one that is not shown here")
        if not number and name == "number":
            shown = form.scope.masked(value)
        return gettext("Number: %(number)s") % {"number": shown}
    field = form.fields[name]
    if isinstance(field, SpanField):
        value = duration(value)
    elif isinstance(field, forms.ChoiceField):
        value = dict(field.choices).get(value, value)  # type: ignore[arg-type]
    elif isinstance(value, Decimal):
        value = f"{value:f}"
    return gettext("%(field)s: %(value)s") % {"field": field.label, "value": value}
