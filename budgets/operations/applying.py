"""Budgets as the set-up file writes them (design 5): read, compared, brought about.

An entry names a budget by whom it is for, whether it is one for each member, its
measure and its classes; the rest of it are the budget's terms. Applying the same
entry again changes nothing. What an entry leaves out has its usual value, so
taking a line out of the file takes it out of the budget.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from django.db import transaction

from budgets.engine.carry import CarryRule
from budgets.engine.terms import MS_PER_MINUTE, MeasureName, Terms, measured
from budgets.engine.thresholds import Step
from budgets.models import Budget
from budgets.operations.assignments import assign, budget_of
from budgets.operations.changes import change
from budgets.operations.exceptions import add_exceptions, remove_exceptions
from budgets.operations.families import BadBudget
from budgets.queries.rules import usual_steps
from directory.models import OrgUnit, User
from directory.queries.units import UNIT_FIELDS
from kernel.money import BadAmount, to_micros
from kernel.periods import PeriodKind

ENTRY_KEYS: Final = frozenset(
    {
        "for",
        "members",
        "amount",
        "minutes",
        "period",
        "starts_on",
        "carry_over",
        "carry_cap",
        "carry_debt",
        "classes",
        "exceptions",
        "extra_recipient",
        "thresholds",
    }
)
STEP_KEYS: Final = frozenset({"percent", "notify", "lock"})
PERIODS: Final[tuple[PeriodKind, ...]] = ("day", "week", "month")
KINDS: Final = {name: kind for kind, name in UNIT_FIELDS.items()}


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying an entry did: the outcome, and a phrase for each thing that changed."""

    budget: Budget
    outcome: Literal["created", "changed", "unchanged"]
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One `[[budget]]` of a set-up file, understood."""

    name: str
    holder: User | OrgUnit
    for_each_member: bool
    terms: Terms
    exceptions: tuple[User, ...]


@transaction.atomic
def apply_budget(spec: Mapping[str, object], *, at: datetime, by: str) -> Applied:
    """Bring the budget of one set-up entry about; the same entry again changes nothing.

    Raises:
        BadBudget: naming the entry and what is wrong with it. Nothing is changed then.
    """
    entry = read_entry(spec)
    try:
        return _apply(entry, at=at, by=by)
    except BadBudget as error:
        raise BadBudget(f"budget {entry.name}: {error.message}") from error


def _apply(entry: Entry, *, at: datetime, by: str) -> Applied:
    present = budget_of(entry.holder, terms=entry.terms, for_each_member=entry.for_each_member)
    if present is None or present.template_id is not None:
        budget = assign(
            holder=entry.holder,
            terms=entry.terms,
            at=at,
            by=by,
            for_each_member=entry.for_each_member,
            exceptions=entry.exceptions,
        )
        return Applied(budget, "created", (_in_words(entry, budget),))
    said = [*change(budget=present, to=entry.terms, at=at, by=by)]
    if present.unit_id is not None:
        said += _apply_exceptions(present, entry.exceptions, at=at, by=by)
    return Applied(present, "changed" if said else "unchanged", tuple(said))


def _apply_exceptions(
    budget: Budget, wanted: Collection[User], *, at: datetime, by: str
) -> list[str]:
    """Except whom the file names; those with a budget of their own stay excepted unnamed."""
    now = set(
        User.objects.filter(budget_exceptions__budget=budget, budget_exceptions__until__isnull=True)
    )
    own = Budget.objects.filter(
        user__in=now,
        deleted_at__isnull=True,
        measure=budget.measure,
        classes_key=budget.classes_key,
    )
    kept = set(own.values_list("user_id", flat=True)) if budget.for_each_member else set()
    gone = [user for user in now - set(wanted) if user.pk not in kept]
    added = add_exceptions(budget=budget, users=wanted, at=at, by=by)
    removed = remove_exceptions(budget=budget, users=gone, at=at, by=by)
    return [
        *(f"{user.username} left out" for user in _by_name(added)),
        *(f"{user.username} counted again" for user in _by_name(removed)),
    ]


def _by_name(users: Collection[User]) -> list[User]:
    return sorted(users, key=lambda each: each.username)


def _in_words(entry: Entry, budget: Budget) -> str:
    terms = entry.terms
    unit = budget.currency if terms.measure == "MONEY" else "minutes"
    whose = "for each member, " if entry.for_each_member else ""
    return f"{whose}{measured(terms.amount, measure=terms.measure)} {unit} a {terms.period}"


# --- Reading an entry -------------------------------------------------------------------------


def read_entry(spec: Mapping[str, object]) -> Entry:
    """Understand one `[[budget]]` of a set-up file.

    Raises:
        BadBudget: naming the entry and what is wrong with it.
    """
    name = spec.get("for")
    if not isinstance(name, str) or not name:
        raise BadBudget('budget without for = "user:NAME" or "department:PATH"')
    try:
        return _read(name, spec)
    except BadBudget as error:
        raise BadBudget(f"budget {name}: {error.message}") from None


def _read(name: str, spec: Mapping[str, object]) -> Entry:
    unknown = sorted(set(spec) - ENTRY_KEYS)
    if unknown:
        raise BadBudget(f"unknown {', '.join(unknown)}; known are {_listed(ENTRY_KEYS)}")
    holder = _holder(name)
    for_each_member = _flag(spec, "members")
    exceptions = _users(_texts(spec, "exceptions"))
    if isinstance(holder, User) and (for_each_member or exceptions):
        raise BadBudget("only a unit's budget has members and exceptions")
    return Entry(name, holder, for_each_member, _terms(spec), exceptions)


def _listed(words: Collection[str]) -> str:
    return ", ".join(sorted(words))


def _holder(name: str) -> User | OrgUnit:
    kind, _, key = name.partition(":")
    if kind == "user":
        return _users([key])[0]
    if kind not in KINDS:
        raise BadBudget(f"for must begin with user:, {', '.join(f'{each}:' for each in KINDS)}")
    unit = OrgUnit.objects.filter(kind=KINDS[kind], path=key).first()
    if unit is None:
        raise BadBudget(f"there is no {kind.replace('_', ' ')} {key!r}")
    return unit


def _users(names: Sequence[str]) -> tuple[User, ...]:
    names = [name.removeprefix("user:") for name in names]
    found = {user.username: user for user in User.objects.filter(username__in=names)}
    for name in names:
        if name not in found:
            raise BadBudget(f"there is no user {name!r}")
    return tuple(found[name] for name in dict.fromkeys(names))


def _terms(spec: Mapping[str, object]) -> Terms:
    if ("amount" in spec) == ("minutes" in spec):
        raise BadBudget("either amount or minutes must be given")
    measure: MeasureName = "MONEY" if "amount" in spec else "MINUTES"
    terms = Terms(
        amount=_amount(spec, "amount" if measure == "MONEY" else "minutes", measure),
        steps=usual_steps(),
        measure=measure,
        period=_period(spec),
        starts_on=_whole(spec, "starts_on", default=1),
        number_classes=tuple(sorted(set(_texts(spec, "classes")))),
        carry=_carry(spec, measure),
        extra_recipient=_text(spec, "extra_recipient"),
    )
    return replace(terms, steps=_steps(spec["thresholds"])) if "thresholds" in spec else terms


def _amount(spec: Mapping[str, object], key: str, measure: MeasureName) -> int:
    """An amount of money in micro-units, or of minutes in milliseconds."""
    given = spec[key]
    if isinstance(given, bool) or not isinstance(given, str | int | float | Decimal):
        raise BadBudget(f"{key} must be a number, got {given!r}")
    try:
        micros = to_micros(str(given))
    except BadAmount as error:
        raise BadBudget(f"{key}: {error}") from None
    if measure == "MONEY":
        return micros
    whole, rest = divmod(micros * MS_PER_MINUTE, 1_000_000)
    if rest:
        raise BadBudget(f"{key} {given} is no whole number of milliseconds")
    return whole


def _period(spec: Mapping[str, object]) -> PeriodKind:
    given = spec.get("period", "month")
    for period in PERIODS:
        if given == period:
            return period
    raise BadBudget(f"period must be one of {', '.join(PERIODS)}, got {given!r}")


def _carry(spec: Mapping[str, object], measure: MeasureName) -> CarryRule | None:
    debt = _flag(spec, "carry_debt")
    if not _flag(spec, "carry_over"):
        if debt or "carry_cap" in spec:
            raise BadBudget("carry_cap and carry_debt need carry_over = true")
        return None
    cap = _amount(spec, "carry_cap", measure) if "carry_cap" in spec else None
    return CarryRule(cap=cap, debt=debt)


def _steps(given: object) -> tuple[Step, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise BadBudget("thresholds must be a list of {percent = …, notify = […], lock = …}")
    steps = []
    for each in given:
        if not isinstance(each, Mapping) or "percent" not in each:
            raise BadBudget(f"a threshold needs a percent, got {each!r}")
        unknown = sorted(set(each) - STEP_KEYS)
        if unknown:
            raise BadBudget(
                f"threshold: unknown {', '.join(unknown)}; known are {_listed(STEP_KEYS)}"
            )
        percent = _whole(each, "percent", default=0)
        steps.append(Step(percent, _texts(each, "notify"), locks=_flag(each, "lock")))
    return tuple(sorted(steps, key=lambda each: each.percent))


def _flag(spec: Mapping[str, object], key: str) -> bool:
    given = spec.get(key, False)
    if not isinstance(given, bool):
        raise BadBudget(f"{key} must be true or false, got {given!r}")
    return given


def _whole(spec: Mapping[str, object], key: str, *, default: int) -> int:
    given = spec.get(key, default)
    if isinstance(given, bool) or not isinstance(given, int):
        raise BadBudget(f"{key} must be a whole number, got {given!r}")
    return given


def _text(spec: Mapping[str, object], key: str) -> str:
    given = spec.get(key, "")
    if not isinstance(given, str):
        raise BadBudget(f"{key} must be a text, got {given!r}")
    return given


def _texts(spec: Mapping[str, object], key: str) -> tuple[str, ...]:
    given = spec.get(key, ())
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise BadBudget(f"{key} must be a list, got {given!r}")
    for each in given:
        if not isinstance(each, str):
            raise BadBudget(f"{key} must be a list of texts, got {each!r} in it")
    return tuple(given)
