"""Cisco external call control: the switch asks us, so a lock is what we publish.

An order writes the line's state into the site's admission snapshot; the state in
force is what `/curri/` answers from that file. A number that stands in several
partitions of a site cannot be told apart by this interface: locking it is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from phonelock.drivers.base import LineOrder, LineRef, OrderRefused, SwitchSetup, SwitchUnavailable
from phonelock.drivers.snapshots import (
    SUFFIX,
    BadSnapshot,
    LockedLine,
    StoredSnapshot,
    file_name,
    read_snapshot,
    write_snapshot,
    writing,
)
from phonelock.engine.admission import (
    SiteFacts,
    SiteSnapshot,
    compile_snapshot,
    is_ambiguous,
    state_in_force,
)
from phonelock.engine.flags import LineState

FOLDER = "admission"


class CurriDriver:
    """Locks by publishing. Everything happens in one file on the local disk."""

    parallel_orders: ClassVar[int] = 1
    timeout_seconds: ClassVar[int] = 5

    def __init__(self, setup: SwitchSetup) -> None:
        self._site = setup.site
        self._path = setup.data_dir / FOLDER / file_name(setup.site)

    def set_line_state(self, *, order: LineOrder) -> None:
        refusal = self.set_line_states(orders=[order])[0]
        if refusal is not None:
            raise refusal

    def get_line_state(self, *, line: LineRef) -> LineState:
        return self.get_line_states(lines=[line])[0]

    def probe(self) -> None:
        self._read()

    def set_line_states(self, *, orders: Sequence[LineOrder]) -> Sequence[OrderRefused | None]:
        with self._failures_named(), writing(self._path):
            stored = self._read()
            locked = dict(stored.locked)
            for order in orders:
                key = (order.line.partition, order.line.extension)
                if order.state is LineState.LOCKED:
                    locked[key] = LockedLine(order.reason, str(order.order_id))
                else:
                    locked.pop(key, None)
            if locked != stored.locked:
                changed = replace(stored, locked=locked, version=stored.version + 1)
                write_snapshot(self._path, snapshot=changed)
        in_force = _compiled(replace(stored, locked=locked))
        return [_refusal(order, snapshot=in_force) for order in orders]

    def get_line_states(self, *, lines: Sequence[LineRef]) -> Sequence[LineState]:
        snapshot = _compiled(self._read())
        return [
            state_in_force(snapshot=snapshot, partition=line.partition, extension=line.extension)
            for line in lines
        ]

    def is_published(self) -> bool:
        return self._path.is_file()

    def publish(self, *, facts: SiteFacts, locked: Mapping[LineRef, str]) -> bool:
        """Replace the facts, keep the states. Lines that no longer exist lose theirs."""
        with self._failures_named(), writing(self._path):
            stored = self._stored_or(StoredSnapshot(facts=facts, locked=_orderless(locked)))
            known = {(part, extension) for extension, parts in facts.lines for part in parts}
            kept = {key: line for key, line in stored.locked.items() if key in known}
            fresh = StoredSnapshot(facts=facts, locked=kept, version=stored.version)
            if stored.version and stored == fresh:
                return False
            write_snapshot(self._path, snapshot=replace(fresh, version=stored.version + 1))
        return True

    def _stored_or(self, lost: StoredSnapshot) -> StoredSnapshot:
        """What is published; `lost` where there is nothing, or nothing that can be read."""
        try:
            return read_snapshot(self._path) or lost
        except BadSnapshot:
            return lost

    @classmethod
    def withdraw_all_but(cls, *, data_dir: Path, sites: Collection[str]) -> int:
        """Take away the snapshots of sites that are gone, renamed, or locked in another way."""
        kept = {file_name(site) for site in sites}
        withdrawn = 0
        try:
            for path in (data_dir / FOLDER).glob(f"*{SUFFIX}"):
                if path.name not in kept and not path.name.startswith("."):
                    path.unlink(missing_ok=True)
                    withdrawn += 1
        except OSError as failure:
            raise SwitchUnavailable(f"admission snapshots: {failure}") from failure
        return withdrawn

    def _read(self) -> StoredSnapshot:
        with self._failures_named():
            stored = read_snapshot(self._path)
        if stored is None:
            raise SwitchUnavailable(f"nothing is published for {self._site} yet")
        return stored

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        try:
            yield
        except (OSError, BadSnapshot) as failure:
            raise SwitchUnavailable(f"admission snapshot of {self._site}: {failure}") from failure


def _compiled(stored: StoredSnapshot) -> SiteSnapshot:
    reasons = {key: line.reason for key, line in stored.locked.items()}
    return compile_snapshot(facts=stored.facts, locked=reasons)


def _orderless(locked: Mapping[LineRef, str]) -> dict[tuple[str, str], LockedLine]:
    return {
        (line.partition, line.extension): LockedLine(reason, order_id="")
        for line, reason in locked.items()
    }


def _refusal(order: LineOrder, *, snapshot: SiteSnapshot) -> OrderRefused | None:
    if order.state is LineState.LOCKED and is_ambiguous(
        snapshot=snapshot, extension=order.line.extension
    ):
        return OrderRefused(
            f"{order.line.extension} stands in several partitions of {order.line.site}, which"
            " external call control cannot tell apart"
        )
    return None
