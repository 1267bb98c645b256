"""What looks at budgets came to, gathered and written together.

Everything gathered belongs to one transaction, that of its cause. Rows of a kind
are written at once and in the order they were found, so history reads as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from budgets.engine.thresholds import percent_hundredths
from budgets.models import (
    Budget,
    BudgetEvent,
    BudgetNotice,
    BudgetPeriod,
    Crossing,
    EventKind,
    LockWish,
)

ROWS_A_QUERY: Final = 500


@dataclass(slots=True)
class Findings:
    """Rows to be written at `at`; `write` writes them and may be called once."""

    at: datetime
    by: str = ""
    events: list[BudgetEvent] = field(default_factory=list)
    notices: list[BudgetNotice] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    wishes: list[LockWish] = field(default_factory=list)
    _reset: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    _lifted: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _moved: dict[int, BudgetPeriod] = field(default_factory=dict)
    _moved_fields: set[str] = field(default_factory=set)

    def event(
        self,
        kind: EventKind,
        budget: Budget,
        *,
        period: BudgetPeriod | None = None,
        details: Mapping[str, object] | None = None,
        user_id: int | None = None,
    ) -> None:
        """Append a line to the budget's history; `user_id` is the member concerned, if one is."""
        self.events.append(
            BudgetEvent(
                budget=budget,
                period=period,
                kind=kind,
                user_id=user_id,
                details={
                    "measure": budget.measure,
                    "currency": budget.currency,
                    **(details or {}),
                },
                made_at=self.at,
                made_by=self.by,
            )
        )

    def assigned(self, period: BudgetPeriod) -> None:
        """Begin a budget's history with its first period."""
        budget = period.budget
        self.event(
            EventKind.ASSIGNED,
            budget,
            period=period,
            details={
                "amount": budget.amount,
                "period": budget.period,
                "starts_on": period.starts_on.isoformat(),
                "until": period.last_date.isoformat(),
            },
        )

    def notice(
        self,
        kind: EventKind,
        period: BudgetPeriod,
        *,
        key: str,
        recipients: Sequence[str],
        values: Mapping[str, object],
        user_id: int | None = None,
    ) -> None:
        """Ask for somebody to be told. `key` says which telling of this period it is.

        `user_id` is the member concerned, where it is one of several.
        """
        budget = period.budget
        addresses = [*recipients, *([budget.extra_recipient] if budget.extra_recipient else [])]
        self.notices.append(
            BudgetNotice(
                key=f"{budget.pk}:{period.starts_on.isoformat()}:{key}",
                kind=kind,
                budget=budget,
                period=period,
                user_id=user_id or budget.user_id,
                recipients=list(dict.fromkeys(addresses)),
                values=dict(values),
                made_at=self.at,
            )
        )

    def reset(self, period: BudgetPeriod, percents: Collection[int]) -> None:
        """Let the latches of these percents fall."""
        for percent in percents:
            self._reset[percent].append(period.pk)

    def lift(self, wish_ids: Collection[int], *, because: str) -> None:
        """Take lock wishes back."""
        self._lifted[because].extend(wish_ids)

    def moved(self, period: BudgetPeriod, fields: Collection[str]) -> None:
        """Keep the changed `fields` of a period."""
        if fields:
            self._moved[period.pk] = period
            self._moved_fields.update(fields)

    @property
    def lifted_count(self) -> int:
        return sum(map(len, self._lifted.values()))

    def write(self) -> None:
        """Write all of it. The caller holds the transaction and the budgets' locks."""
        self._write_moved()
        for percent, period_ids in self._reset.items():
            latched = Crossing.objects.filter(percent=percent, reset_at__isnull=True)
            latched.filter(period_id__in=period_ids).update(reset_at=self.at)
        Crossing.objects.bulk_create(self.crossings, batch_size=ROWS_A_QUERY)
        for because, wish_ids in self._lifted.items():
            LockWish.objects.filter(pk__in=wish_ids, lifted_at__isnull=True).update(
                lifted_at=self.at, lifted_because=because, swept_at=None
            )
        LockWish.objects.bulk_create(self.wishes, batch_size=ROWS_A_QUERY)
        BudgetEvent.objects.bulk_create(self.events, batch_size=ROWS_A_QUERY)
        BudgetNotice.objects.bulk_create(
            self.notices, batch_size=ROWS_A_QUERY, ignore_conflicts=True
        )

    def _write_moved(self) -> None:
        """One statement for all: the rows exist and are locked by their budgets."""
        if self._moved:
            BudgetPeriod.objects.bulk_create(
                self._moved.values(),
                batch_size=ROWS_A_QUERY,
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=sorted(self._moved_fields),
            )


def figures_of(period: BudgetPeriod, *, spent: int) -> dict[str, object]:
    """The figures of a period, for events and for the texts of notices.

    Whole numbers: micro-units or milliseconds (`measure` says which), percent in
    hundredths; dates and instants ISO. `until` is the last day that belongs to it.
    """
    budget = period.budget
    effective = period.effective
    return {
        "measure": budget.measure,
        "currency": budget.currency,
        "period": budget.period,
        "starts_on": period.starts_on.isoformat(),
        "until": period.last_date.isoformat(),
        "period_start": period.starts_at.astimezone(budget.zone).isoformat(),
        "period_end": period.ends_at.astimezone(budget.zone).isoformat(),
        "base": period.base,
        "carried": period.carried,
        "adjusted": period.adjusted,
        "effective": effective,
        "spent": spent,
        "remaining": effective - spent,
        "percent_hundredths": percent_hundredths(spent=spent, effective=effective),
    }
