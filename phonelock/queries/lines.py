"""What pages and the digest ask of locks: the state of lines, and of a person's phones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from directory.models import Line, LineHolding, User, valid_at
from phonelock.engine.flags import LineState, LockFlag
from phonelock.models import CircuitState, LineLock, SwitchCircuit
from phonelock.queries.history import full_names
from phonelock.queries.switches import switches

NO_LINE = "no_line"
NO_SWITCH = "no_switch"


@dataclass(frozen=True, slots=True)
class PhoneState:
    """One line of a person, for a page. `since`, `by` and `why` are those of the shown `reason`.

    `wanted` is what people asked for, `confirmed` what is in force as far as the switch
    has said: pages show that, and beside it what is still asked for. `not_lockable` is a
    code: "no_switch" when nothing can lock the site's lines, else empty. `is_confirmed`
    says that the switch has confirmed what is wanted; with `is_reachable` false it does
    not answer at all. `by_name` is the full name of `by`; empty where nobody is known.
    """

    line: Line
    wanted: LineState
    confirmed: LineState
    reason: LockFlag | None
    flags: frozenset[LockFlag]
    since: datetime | None
    by: str
    why: str
    is_confirmed: bool
    is_reachable: bool
    last_error: str
    not_lockable: str
    until: datetime | None = None
    by_name: str = ""
    holder: User | None = None
    confirmed_at: datetime | None = None
    next_attempt_at: datetime | None = None
    is_first_order: bool = False

    @property
    def is_untouched(self) -> bool:
        """Nobody ever asked for a lock here: open, without having been asked for it."""
        return self.wanted == LineState.UNLOCKED and self.is_first_order

    @property
    def is_locked(self) -> bool:
        """Whether calls are refused now, as far as the switch has confirmed."""
        return self.confirmed == LineState.LOCKED

    @property
    def is_pending(self) -> bool:
        """Whether the switch has been asked for something that it has not confirmed."""
        return not self.is_confirmed and not self.is_untouched

    @property
    def has_failed(self) -> bool:
        """Whether it was asked in vain: it is tried again, and somebody may ask at once."""
        return self.is_pending and bool(self.last_error or not self.is_reachable)

    @property
    def is_changing(self) -> bool:
        """Whether what is asked for is another state, not only another reason for the same."""
        return self.is_pending and self.is_locked != (self.wanted == LineState.LOCKED)


def line_states() -> list[dict[str, str]]:
    """Each line's wanted and confirmed state, sorted by the line's name, for the digest.

    A line that no lock and no switch has touched yet is wanted unlocked, confirmed unknown.
    """
    rows = Line.objects.values_list(
        "site__name", "partition", "extension", "lock__wanted", "lock__confirmed"
    )
    states = [
        {
            "line": f"{site}/{partition}/{extension}",
            "wanted": (wanted or LineState.UNLOCKED.value).lower(),
            "confirmed": (confirmed or LineState.UNKNOWN.value).lower(),
        }
        for site, partition, extension, wanted, confirmed in rows.iterator()
    ]
    return sorted(states, key=lambda state: state["line"])


def phone_state(user: User, *, at: datetime) -> list[PhoneState]:
    """The lines that `user` holds at `at`, with their locks; empty: he has no phone to lock."""
    return phone_states([user.pk], at=at).get(user.pk, [])


def phone_states(
    user_ids: Collection[int], *, at: datetime, only: Q | None = None, are_named: bool = True
) -> dict[int, list[PhoneState]]:
    """The phones of many users at once, in two queries. Who is missing has no line (F244).

    `only` narrows the holdings (`LineHolding`) down; the full names of those who locked
    cost one query more, and are left out where nobody reads them.
    """
    away = SwitchCircuit.objects.filter(site=OuterRef("line__site"), state=CircuitState.OPEN)
    holdings = list(
        LineHolding.objects.filter(valid_at(at), only or Q(), user_id__in=user_ids)
        .select_related("line__site", "line__lock")
        .annotate(is_away=Exists(away))
        .order_by("line__site__name", "line__extension", "line__partition", "pk")
    )
    lockable = set(switches(site_ids={holding.line.site_id for holding in holdings}))
    found: dict[int, list[PhoneState]] = defaultdict(list)
    for holding in holdings:
        has_switch = holding.line.site_id in lockable
        state = _phone(holding.line, has_switch=has_switch, is_away=holding.is_away)
        found[holding.user_id].append(state)
    if not are_named:
        return dict(found)
    names = full_names({state.by for states in found.values() for state in states})
    return {
        user_id: [replace(state, by_name=names.get(state.by, "")) for state in states]
        for user_id, states in found.items()
    }


def states_of_lines(lines: QuerySet[Line], *, at: datetime) -> list[PhoneState]:
    """The locks of these lines, with who holds them at `at`; in seven queries."""
    found = list(lines.select_related("site", "lock").order_by("site__name", "extension", "pk"))
    site_ids = {line.site_id for line in found}
    lockable = switches(site_ids=site_ids)
    circuits = SwitchCircuit.objects.filter(site_id__in=site_ids, state=CircuitState.OPEN)
    away = set(circuits.values_list("site_id", flat=True))
    states = [
        _phone(line, has_switch=line.site_id in lockable, is_away=line.site_id in away)
        for line in found
    ]
    names = full_names({state.by for state in states})
    held = LineHolding.objects.filter(valid_at(at), line__in=[line.pk for line in found])
    holders = {holding.line_id: holding.user for holding in held.select_related("user")}
    return [
        replace(state, by_name=names.get(state.by, ""), holder=holders.get(state.line.pk))
        for state in states
    ]


def _phone(line: Line, *, has_switch: bool, is_away: bool) -> PhoneState:
    lock = lock_of(line)
    reason = lock.reason
    prefix = reason.lower() if reason else ""
    return PhoneState(
        line=line,
        wanted=LineState(lock.wanted),
        confirmed=LineState(lock.confirmed),
        reason=reason,
        flags=lock.flags,
        since=getattr(lock, f"{prefix}_since") if prefix else None,
        by=getattr(lock, f"{prefix}_by") if prefix else "",
        why=getattr(lock, f"{prefix}_reason") if prefix else "",
        is_confirmed=lock.is_confirmed,
        is_reachable=not is_away,
        last_error=lock.last_error,
        not_lockable="" if has_switch else NO_SWITCH,
        until=lock.admin_until if reason is LockFlag.ADMIN else None,
        confirmed_at=lock.confirmed_at,
        next_attempt_at=lock.next_attempt_at,
        is_first_order=lock.version == 0,
    )


def lock_of(line: Line) -> LineLock:
    """The line's lock; an unsaved open one where none was ever written."""
    try:
        return line.lock
    except LineLock.DoesNotExist:
        return LineLock(line=line)
