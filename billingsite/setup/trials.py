"""Trying things out: a dialled number, its price, a question of the switch. Nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdr.engine.emergency import country_list
from cdr.engine.numbers import DialPlan, Number, normalise
from cdr.engine.rating import CompiledTariff, Unpriced
from cdr.engine.receipts import explain
from cdr.engine.tariffs import epoch_ms
from cdr.models import Source
from cdr.receipt_words import ReceiptRow, receipt_rows
from cdr.words import why_unrated
from directory.models import Line, Site
from phonelock.curri.desk import Desk, present_desk
from phonelock.curri.spool import FOLDER as DECISIONS
from phonelock.curri.spool import DecisionSpool
from phonelock.curri.store import SnapshotStore
from phonelock.drivers.snapshots import LockedLine, StoredSnapshot, file_name, write_snapshot
from phonelock.engine.admission import Reason, SiteFacts
from phonelock.engine.flags import LockFlag
from phonelock.queries.switches import site_facts

EXIT_CODES: Final = ("", "0", "9", "8", "1")
LOOPBACK: Final = "127.0.0.1"

HELP: Final = {
    "no_carrier": gettext_lazy(
        "no carrier stands behind this gateway yet (step 5 names it, step 6 prices it)"
    ),
    "no_tariff": gettext_lazy("the carrier has no prices yet (they come in step 6)"),
}

ANSWERS: Final = {
    Reason.EMERGENCY: gettext_lazy("an emergency number: let through before anything is asked"),
    Reason.INTERNAL: gettext_lazy("a colleague's number: always open"),
    Reason.FEATURE_CODE: gettext_lazy("a code of the switch itself: always open"),
    Reason.ALLOWED: gettext_lazy("a number that stays open to locked phones"),
    Reason.UNLOCKED: gettext_lazy("the phone is not locked"),
    Reason.MODULE_OFF: gettext_lazy("phone locks are switched off in this installation"),
    Reason.LOCKED: gettext_lazy("the phone is locked"),
    Reason.AMBIGUOUS_LINE: gettext_lazy("the number stands in several partitions: never refused"),
    Reason.UNKNOWN_LINE: gettext_lazy("no such extension here: the rule for failures holds"),
    Reason.UNKNOWN_SITE: gettext_lazy("this site is not published to the switch yet"),
    Reason.CALLER_REFUSED: gettext_lazy(
        "whoever asks is not among the addresses allowed to: the rule for failures holds"
    ),
    Reason.MALFORMED: gettext_lazy("the question could not be read"),
    Reason.TOO_LATE: gettext_lazy("the answer took too long"),
    Reason.ERROR: gettext_lazy("something went wrong on our side"),
}


def reason_words(reason: str) -> str:
    """Why a call has no price yet, for whoever sets prices up: the step that helps, if one does."""
    return str(HELP.get(reason) or why_unrated(reason))


def unpriced_words(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Why paid calls of a sample have no price, each reason with its number of calls."""
    return [(reason_words(reason), count) for reason, count in counts.items()]


# --- Numbers and prices -------------------------------------------------------------------------


def try_number(dialled: str, *, plan: DialPlan) -> Number:
    """What a number is that somebody dials at the site."""
    return normalise(dialled, plan=plan, dialled=True)


def number_abroad(site: Site) -> str:
    """A number in another country as it is dialled at the site: Rome's, from Italy a London one."""
    abroad = "442079460000" if site.country == "IT" else "390612345678"
    return f"{site.exit_code}{site.international_prefix}{abroad}"


def emergency_number_of(site: Site) -> str:
    """An emergency number to try: the site's own, else 112 where it is one, else the country's first."""
    own = [str(number) for number in site.emergency_numbers]
    listed = sorted(country_list(site.country))
    if own:
        return own[0]
    return "112" if "112" in listed else listed[0]


def propose_exit_code(dialled: Iterable[str], *, plan: DialPlan) -> str:
    """The exit code that makes sense of most of what was dialled; none, if that is as good."""
    numbers = list(dialled)

    def understood(code: str) -> int:
        tried = replace(plan, exit_code=code)
        used = [number for number in numbers if number.startswith(code)]
        found = [normalise(number, plan=tried, dialled=True) for number in used]
        return sum(each.text.startswith("+") for each in found)

    return max(EXIT_CODES, key=understood) if numbers else ""


def propose_extensions(extensions: Iterable[str]) -> list[str]:
    """Patterns that hold the extensions seen, two digits left open: 2001, 2005 give 20XX."""
    groups: dict[tuple[int, str], list[str]] = {}
    for extension in extensions:
        if extension.isdecimal():
            groups.setdefault((len(extension), extension[:1]), []).append(extension)
    found = []
    for (length, _first), members in sorted(groups.items()):
        same = 1
        while same < length - 2 and len({member[: same + 1] for member in members}) == 1:
            same += 1
        same = min(same, max(1, length - 2))
        found.append(members[0][:same] + "X" * (length - same))
    return found


@dataclass(frozen=True, slots=True)
class PriceTrial:
    """What a tried call would cost, with its receipt; or why it has no price."""

    number: Number
    talk_ms: int
    currency: str
    tariff: str
    cost_micros: int | None = None
    rows: tuple[ReceiptRow, ...] = ()
    note: str = ""
    reason: str = ""


def try_price(
    dialled: str, *, talk_ms: int, plan: DialPlan, tariff: CompiledTariff, at: datetime
) -> PriceTrial:
    """The price of `talk_ms` with a number as it is dialled at the site, answered at `at`."""
    number = try_number(dialled, plan=plan)
    trial = PriceTrial(number, talk_ms, tariff.currency, tariff.name)
    if number.number_class == "emergency":
        return replace(trial, cost_micros=0, note=_("Emergency calls are free."))
    if number.is_internal:
        return replace(trial, cost_micros=0, note=_("Calls inside the house cost nothing."))
    found = explain(tariff, digits=number.digits, answered_ms=epoch_ms(at), talk_ms=talk_ms)
    if isinstance(found, Unpriced):
        return replace(trial, reason=reason_words(found.reason))
    rows = tuple(receipt_rows(found.lines, tariff.currency))
    return replace(trial, cost_micros=int(found.stored), rows=rows)


# --- The switch's question ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CurriTrial:
    """One question as a switch asks it, and what it is told."""

    calling: str
    called: str
    is_locked: bool
    effect: str
    words: str
    milliseconds: int
    answer: str


def curri_path(site: str) -> str:
    """The address a switch of this site asks, below the address of the installation."""
    return f"/curri/{quote(site)}/"


def ask_ourselves(site: Site, *, called: str, at: datetime, line: Line | None = None) -> CurriTrial:
    """Ask what a switch would ask: may the extension call `called`? The answer in force."""
    facts = site_facts(site_ids=[site.pk])[site.pk]
    return _ask(present_desk(), site, facts, called=called, at=at, line=line)


def ask_with_a_lock(site: Site, *, called: str, at: datetime, line: Line) -> CurriTrial:
    """The same question, were `line` locked: asked of a copy that is thrown away."""
    facts = site_facts(site_ids=[site.pk])[site.pk]
    locked = {(line.partition, line.extension): LockedLine(LockFlag.ADMIN.value, "trial")}
    with TemporaryDirectory(prefix="trial-") as folder:
        path = Path(folder, file_name(site.name))
        write_snapshot(path, snapshot=StoredSnapshot(facts=facts, locked=locked, version=1))
        desk = Desk(store=SnapshotStore(Path(folder)), spool=DecisionSpool(Path(folder, DECISIONS)))
        asked = _ask(desk, site, facts, called=called, at=at, line=line)
    return replace(asked, is_locked=True)


def _known_caller(facts: SiteFacts) -> str:
    """An address that may ask, so that the trial is about the call and not about the door."""
    for door in facts.doors:
        for each in door.callers:
            return str(each).partition("/")[0]
    return LOOPBACK


def _ask(
    desk: Desk,
    site: Site,
    facts: SiteFacts,
    *,
    called: str,
    at: datetime,
    line: Line | None,
) -> CurriTrial:
    calling = line.extension if line is not None else ""
    answer = desk.answer(
        method="POST",
        path=f"/curri/{site.name}/{_secret_of(site)}",
        body=_question(calling, called),
        remote_addr=_known_caller(facts),
        at=at,
    )
    note = answer.note
    reason = Reason(note.reason) if note is not None else Reason.ERROR
    is_fine = answer.status == HTTPStatus.OK and note is not None
    return CurriTrial(
        calling=calling,
        called=called,
        is_locked=False,
        effect=note.effect if is_fine and note is not None else "",
        words=str(ANSWERS[reason]),
        milliseconds=-(-note.micros // 1000) if note is not None else 0,
        answer=answer.body.decode("utf-8", "replace"),
    )


def _secret_of(site: Site) -> str:
    doors = Source.objects.filter(site=site, is_active=True).exclude(caller_secret="")
    return doors.order_by("name").values_list("caller_secret", flat=True).first() or ""


def _question(calling: str, called: str) -> bytes:
    """A routing question as Cisco writes it, with what matters in it."""

    def attribute(name: str, value: str) -> str:
        return (
            f'<Attribute AttributeId="urn:Cisco:uc:1.0:{name}"'
            ' DataType="http://www.w3.org/2001/XMLSchema#string">'
            f"<AttributeValue>{escape(value)}</AttributeValue></Attribute>"
        )

    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Request xmlns="urn:oasis:names:tc:xacml:2.0:context:schema:os"><Subject>'
        f"{attribute('callingnumber', calling)}{attribute('callednumber', called)}"
        "</Subject></Request>"
    ).encode()


def site_address() -> str:
    """The address of this installation, as a switch would have to be told it."""
    return str(settings.SITE_URL).rstrip("/")


def is_only_for_this_machine() -> bool:
    """Whether that address means nothing on another machine."""
    host = site_address().partition("://")[2].partition("/")[0]
    return host.startswith(("127.", "localhost", "[::1]", "0.0.0.0"))  # noqa: S104 - a comparison
