"""What a switch driver must do, which failures it may report, and its frozen set-up.

A driver knows one vendor's protocol and nothing of our tables or rules. It is made
from a `SwitchSetup`, used by one reconciler, and may be called from several threads.
Every call ends within `timeout_seconds`, with a result or with one of the two
failures below; anything else that it raises is treated as `SwitchUnavailable`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable
from uuid import UUID

from phonelock.engine.admission import SiteFacts
from phonelock.engine.flags import LineState


class SwitchUnavailable(Exception):
    """The switch did not answer, or not sensibly: the order may be tried again."""


class OrderRefused(Exception):
    """The switch said no to this line: trying again at once will not help."""


@dataclass(frozen=True, slots=True, order=True)
class LineRef:
    """A line as a switch knows it. The key is site, partition and extension together."""

    site: str
    partition: str
    extension: str

    def __str__(self) -> str:
        return f"{self.site}/{self.partition}/{self.extension}"


@dataclass(frozen=True, slots=True)
class LineOrder:
    """Bring `line` into `state`. The same `order_id` twice is one change.

    `reason` is the strongest lock flag (ADMIN, BUDGET, USER, SESSION), empty when
    unlocking; a switch may choose its announcement by it.
    """

    line: LineRef
    state: LineState
    order_id: UUID
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SwitchSetup:
    """All that a driver is given: which site, where it may keep files, its own options."""

    site: str
    data_dir: Path
    options: Mapping[str, object] = field(default_factory=dict)


class LockDriver(Protocol):
    """Carry out lock orders on one kind of switch."""

    parallel_orders: ClassVar[int]
    """How many calls the switch takes at a time."""
    timeout_seconds: ClassVar[int]
    """The longest that one call may take."""

    def __init__(self, setup: SwitchSetup) -> None: ...

    def set_line_state(self, *, order: LineOrder) -> None:
        """Carry out `order`; return once the switch has confirmed.

        Raises:
            SwitchUnavailable: no sensible answer; the order may or may not have arrived.
            OrderRefused: the switch will not do this to this line.
        """

    def get_line_state(self, *, line: LineRef) -> LineState:
        """The state in force at the switch now; a line it has never heard of is unlocked.

        Raises:
            SwitchUnavailable: no sensible answer.
        """

    def probe(self) -> None:
        """Ask the switch for a sign of life, as cheaply as can be.

        Raises:
            SwitchUnavailable: there was none.
        """


@runtime_checkable
class TakesManyLines(Protocol):
    """A driver that carries out and reads back many lines in one step."""

    def set_line_states(self, *, orders: Sequence[LineOrder]) -> Sequence[OrderRefused | None]:
        """Carry out all `orders`; None, or the refusal, for each in the same order.

        Raises:
            SwitchUnavailable: none of them is known to be carried out.
        """

    def get_line_states(self, *, lines: Sequence[LineRef]) -> Sequence[LineState]:
        """The states in force, in the order of `lines`."""


@runtime_checkable
class PublishesSite(Protocol):
    """A driver whose switch asks us: it must know the site's dial plan and lines as well."""

    def is_published(self) -> bool:
        """Say whether the switch's questions can be answered from what was published."""

    def publish(self, *, facts: SiteFacts, locked: Mapping[LineRef, str]) -> bool:
        """Publish the site's facts, keeping the lines' states; say whether anything changed.

        `locked` are the lines that should be locked, with their reasons: they count
        only where what was published is lost, so that losing it unlocks nobody.

        Raises:
            SwitchUnavailable: it could not be written.
        """

    @classmethod
    def withdraw_all_but(cls, *, data_dir: Path, sites: Collection[str]) -> int:
        """Take back what was published for any site but `sites`; how many there were.

        Raises:
            SwitchUnavailable: it could not be taken back.
        """
