"""A notice put into words: subject, text and HTML in the reader's language.

The templates are ours (templates/mail/); what people wrote (names, reasons) only
ever reaches them as a value, on one line and escaped. `templates/mail/<language>/`
is looked into first, for texts that one language wants otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from babel import Locale
from django.conf import settings
from django.template.loader import select_template
from django.utils import translation
from django.utils.translation import gettext, pgettext

from alarms.engine import figures
from alarms.engine.addresses import one_line
from alarms.queries.recipients import Recipient
from budgets.models import Budget, BudgetNotice, EventKind, Measure, PeriodKind
from budgets.queries.rules import steps_of
from budgets.queries.sums import spent as spent_now
from directory.engine.locales import calendar_locale, locale_of
from directory.models import LineHolding, User

MOST_EXTENSIONS = 10
LAYOUTS = {"subject": "layout_subject.txt", "text": "layout_text.txt", "html": "layout_page.html"}

KINDS = frozenset(
    {
        EventKind.THRESHOLD,
        EventKind.OVER_BUDGET,
        EventKind.PHONE_LOCKED,
        EventKind.PHONE_UNLOCKED,
        EventKind.END_PERIOD,
        EventKind.OVERRIDE,
        EventKind.LOCK_FAILED,
        EventKind.ASKED,
        EventKind.GRANTED,
        EventKind.REFUSED,
    }
)

Value = str | bool


class NoTextForKind(LookupError):
    """A notice of a kind that no template speaks of."""


@dataclass(frozen=True, slots=True)
class MailText:
    """What a mail says; `subject` is one line."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Background:
    """What the texts of many notices need besides them, asked once for all.

    `lock_percents` by budget; `holdings` by user: extension, and the half-open span
    in which he holds it.
    """

    lock_percents: Mapping[int, int]
    holdings: Mapping[int, Sequence[tuple[str, datetime | None, datetime | None]]]


def background_of(notices: Iterable[BudgetNotice]) -> Background:
    """The background of `notices`."""
    notices = list(notices)
    steps = steps_of({notice.budget_id: notice.budget for notice in notices}.values())
    concerned = {notice.user_id or notice.budget.user_id for notice in notices}
    holdings: dict[int, list[tuple[str, datetime | None, datetime | None]]] = defaultdict(list)
    held = LineHolding.objects.filter(user__in=concerned - {None}).order_by("line__extension", "pk")
    for user_id, extension, since, until in held.values_list(
        "user_id", "line__extension", "valid_from", "valid_to"
    ):
        holdings[user_id].append((extension, since, until))
    return Background(
        lock_percents={
            budget_id: min(step.percent for step in those if step.locks)
            for budget_id, those in steps.items()
            if any(step.locks for step in those)
        },
        holdings=holdings,
    )


def text_of(notice: BudgetNotice, *, recipient: Recipient, background: Background) -> MailText:
    """Write `notice` for `recipient`.

    Raises:
        NoTextForKind: if there is no template for its kind.
    """
    if notice.kind not in KINDS:
        raise NoTextForKind(f"no mail text for notices of kind {notice.kind!r}")
    with translation.override(recipient.language):
        return render(
            notice.kind,
            language=recipient.language,
            values=values_of(notice, recipient=recipient, background=background),
        )


def render(kind: str, *, language: str, values: Mapping[str, object]) -> MailText:
    """Fill the template of `kind` into the three layouts, in the active language."""
    template = select_template([f"mail/{language}/{kind}.html", f"mail/{kind}.html"])
    frame = {
        "language": language,
        "direction": "rtl" if translation.get_language_bidi() else "ltr",
        "site_url": settings.SITE_URL.rstrip("/"),
    }
    parts = {
        name: template.render(
            {**values, **frame, "layout": f"mail/{layout}", "is_html": name == "html"}
        )
        for name, layout in LAYOUTS.items()
    }
    return MailText(
        subject=one_line(parts["subject"]), text=_tidy(parts["text"]), html=parts["html"]
    )


def _tidy(text: str) -> str:
    """Lines without edges, never two empty ones in a row."""
    lines: list[str] = []
    for line in (raw.strip() for raw in text.splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip() + "\n"


def values_of(
    notice: BudgetNotice, *, recipient: Recipient, background: Background
) -> dict[str, Value]:
    """The fixed list of what a template may say (docs/notifications.md), ready to print.

    Figures come from the notice, written with its cause; what it leaves out is
    taken from the period as it stands.
    """
    budget, period = notice.budget, notice.period
    locale = locale_of(recipient.language)
    calendar = calendar_locale(recipient.language, budget.time_zone)
    written = notice.values
    concerned = notice.user or budget.user
    spent = _spent(notice)
    effective = _whole(written, "effective", default=period.effective)
    carried = _whole(written, "handed_on", default=0)
    threshold = _whole(written, "threshold", default=0)
    asked, granted = _whole(written, "asked", default=0), _whole(written, "granted", default=0)
    lock_percent = background.lock_percents.get(budget.pk)
    return {
        "user": _said(concerned),
        "extension": _extension(notice, concerned, background),
        "budget_for": _said(budget.user or budget.unit),
        "budget_value": _amount(effective, budget=budget, locale=locale),
        "budget_period": _period_word(budget.period),
        "spent": _amount(spent, budget=budget, locale=locale),
        "remaining": _amount(effective - spent, budget=budget, locale=locale),
        "left": _amount(max(0, effective - spent), budget=budget, locale=locale),
        "carried": _amount(carried, budget=budget, locale=locale) if carried else "",
        "asked": _amount(asked, budget=budget, locale=locale) if asked else "",
        "granted": _amount(granted, budget=budget, locale=locale) if granted else "",
        "percent": figures.share(spent, effective, locale=locale),
        "threshold": figures.percent(threshold, locale=locale) if threshold else "",
        "period_start": figures.day(period.starts_on, locale=calendar),
        "period_end": figures.day(period.last_date, locale=calendar),
        "next_period_start": figures.day(period.ends_before, locale=calendar),
        "phone_state": _phone_state(notice.kind),
        "currency": budget.currency if budget.measure == Measure.MONEY else gettext("minutes"),
        "lock_percent": (
            "" if lock_percent is None else figures.percent(lock_percent, locale=locale)
        ),
        "reason": one_line(str(written.get("reason", ""))).removesuffix("."),
        "by": one_line(str(written.get("by", ""))),
        "for_you": concerned is not None and recipient.user == concerned,
        "for_unit": budget.unit is not None,
    }


def _whole(written: Mapping[str, object], name: str, *, default: int) -> int:
    value = written.get(name)
    return default if value is None else int(str(value))


def _spent(notice: BudgetNotice) -> int:
    if notice.values.get("spent") is not None:
        return _whole(notice.values, "spent", default=0)
    is_ended = notice.period.closed_spent is not None
    return notice.period.settled_spent if is_ended else spent_now(notice.period)


def _said(subject: object) -> str:
    return one_line(str(subject)) if subject is not None else ""


def _amount(value: int, *, budget: Budget, locale: Locale) -> str:
    if budget.measure == Measure.MINUTES:
        return figures.minutes(value, locale=locale)
    return figures.money(value, currency=budget.currency, locale=locale)


def _period_word(kind: str) -> str:
    words = {
        PeriodKind.DAY: pgettext("budget period", "daily"),
        PeriodKind.WEEK: pgettext("budget period", "weekly"),
        PeriodKind.MONTH: pgettext("budget period", "monthly"),
    }
    return words[PeriodKind(kind)]


def _phone_state(kind: str) -> str:
    if kind == EventKind.PHONE_LOCKED:
        return gettext("locked")
    if kind in (EventKind.PHONE_UNLOCKED, EventKind.OVERRIDE):
        return gettext("not locked")
    return gettext("not confirmed") if kind == EventKind.LOCK_FAILED else ""


def _extension(notice: BudgetNotice, concerned: User | None, background: Background) -> str:
    """The extensions that the notice names, else those its person held when it was made."""
    named = notice.values.get("extension")
    if isinstance(named, list):
        return one_line(", ".join(str(extension) for extension in named[:MOST_EXTENSIONS]))
    if named:
        return one_line(str(named))
    holdings = background.holdings.get(concerned.pk, ()) if concerned else ()
    at = notice.made_at
    held = [
        extension
        for extension, since, until in holdings
        if (since is None or since <= at) and (until is None or until > at)
    ]
    return one_line(", ".join(held[:MOST_EXTENSIONS]))
