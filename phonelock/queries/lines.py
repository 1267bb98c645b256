"""What pages and the digest ask of locks: the state of lines, and of a person's phones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from directory.models import Line, LineHolding, User, valid_at
from phonelock.engine.flags import LineState, LockFlag
from phonelock.models import CircuitState, LineLock, SwitchCircuit
from phonelock.queries.switches import switches

NO_LINE = "no_line"
NO_SWITCH = "no_switch"


@dataclass(frozen=True, slots=True)
class PhoneState:
    """One line of a person, for a page. `since`, `by` and `why` are those of the shown `reason`.

    `not_lockable` is a code: "no_switch" when nothing can lock the site's lines, else
    empty. `is_confirmed` says that the switch has confirmed what is wanted; with
    `is_reachable` false it does not answer at all.
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


def phone_states(user_ids: Collection[int], *, at: datetime) -> dict[int, list[PhoneState]]:
    """The phones of many users at once, in four queries. Who is missing has no line (F244)."""
    holdings = (
        LineHolding.objects.filter(valid_at(at), user_id__in=user_ids)
        .select_related("line__site", "line__lock")
        .order_by("line__site__name", "line__extension", "line__partition", "pk")
    )
    site_ids = {holding.line.site_id for holding in holdings}
    lockable = set(switches(site_ids=site_ids))
    away = set(
        SwitchCircuit.objects.filter(site_id__in=site_ids, state=CircuitState.OPEN).values_list(
            "site_id", flat=True
        )
    )
    found: dict[int, list[PhoneState]] = defaultdict(list)
    for holding in holdings:
        site_id = holding.line.site_id
        state = _phone(holding.line, has_switch=site_id in lockable, is_away=site_id in away)
        found[holding.user_id].append(state)
    return dict(found)


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
    )


def lock_of(line: Line) -> LineLock:
    """The line's lock; an unsaved open one where none was ever written."""
    try:
        return line.lock
    except LineLock.DoesNotExist:
        return LineLock(line=line)
