"""Facts that hold from one instant to another, and what a change does to them.

A timeline is a sequence of spans `[valid_from, valid_to)` that do not overlap, in
order; None means since ever and until further notice. A change closes the last span
and opens another; what lies further back is history and is not rewritten.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from kernel.errors import DomainError
from kernel.sentences import sentence as _

V = TypeVar("V")


class HistoryStands(DomainError):
    """A change would rewrite what held at an earlier time."""

    code = "history_stands"


@dataclass(frozen=True, slots=True)
class Span(Generic[V]):
    """`value` holds in `[valid_from, valid_to)`. `key` is the stored row, None for a new one."""

    value: V
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    key: int | None = None

    def holds(self, at: datetime) -> bool:
        """Say whether the span covers the instant `at`."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_to is None or at < self.valid_to
        )


Timeline = tuple[Span[V], ...]


def timeline(spans: Iterable[Span[V]]) -> Timeline[V]:
    """The spans in order of time."""
    return tuple(
        sorted(spans, key=lambda span: (span.valid_from is not None, _stamp(span.valid_from)))
    )


def _stamp(instant: datetime | None) -> datetime | int:
    return 0 if instant is None else instant


def in_force(spans: Timeline[V], *, at: datetime) -> Span[V] | None:
    """The span that covers `at`; of several, the one that began last."""
    return next((span for span in reversed(spans) if span.holds(at)), None)


def changed(
    spans: Timeline[V], *, value: V, since: datetime | None, now: datetime, first: datetime | None
) -> Timeline[V]:
    """The timeline once `value` holds from `since` on; the same one if it does already.

    Without `since` a change counts from `now`, and the very first entry from `first`
    (None: since ever). An entry for a time before everything known fills that time up to
    the first span.

    Raises:
        HistoryStands: if something else held at `since` and was followed by a later entry.
    """
    if not spans:
        return (Span(value, valid_from=since if since is not None else first),)
    start = now if since is None else since
    present = in_force(spans, at=start)
    if present is not None and present.value == value:
        return spans
    last, head = spans[-1], spans[0]
    if head.valid_from is not None and start < head.valid_from:
        return _with_past(spans, value=value, start=start)
    if last.valid_from is not None and start < last.valid_from:
        raise HistoryStands(
            _(
                "%(start)s lies before the last entry, which began at %(last)s; "
                "what held earlier is not rewritten",
                start=start.isoformat(),
                last=last.valid_from.isoformat(),
            )
        )
    if last.valid_to is not None and last.valid_to <= start:
        return (*spans, Span(value, valid_from=start))
    if last.valid_from == start:
        return (*spans[:-1], replace(last, value=value, valid_to=None))
    return (*spans[:-1], replace(last, valid_to=start), Span(value, valid_from=start))


def _with_past(spans: Timeline[V], *, value: V, start: datetime) -> Timeline[V]:
    """The free time before the first span belongs to `value`, from `start` on."""
    head = spans[0]
    if head.value == value:
        return (replace(head, valid_from=start), *spans[1:])
    return (Span(value, valid_from=start, valid_to=head.valid_from), *spans)
