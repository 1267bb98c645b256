"""Live calls: a process that writes call files every few seconds, like a living cluster.

``python -m billingsite.demo.traffic DATA_DIR ADDRESS`` runs until it is stopped. It
goes on with the plan of the day, adds calls of now, so that there is always something
to see, and lets the people whose budgets are nearly spent make their last calls.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from billingsite.demo import presence
from billingsite.demo.cluster import Values, file_name, write_file
from billingsite.demo.company import OFFICES, Office, people
from billingsite.demo.history import drop_folder
from billingsite.demo.memory import Memory
from billingsite.demo.schedule import PlannedCall, calls_between, draw, ship_call
from billingsite.demo.stars import RING_SECONDS, STARS, Star
from billingsite.demo.switchboard import is_permitted
from billingsite.demo.telephony import Desk, Ids
from kernel.clock import now as clock_now

INTERVAL_SECONDS = 4.0
NODE = 2
MOST_AT_ONCE = 2
GAP_SECONDS = 12
TIMES = ("dateTimeOrigination", "dateTimeConnect", "dateTimeDisconnect")


class LiveTraffic:
    """The live calls of all offices from `started` on."""

    def __init__(
        self,
        data_dir: Path,
        *,
        started: datetime,
        permitted: Callable[[PlannedCall], bool],
        rng: Random,
    ) -> None:
        self.data_dir = data_dir
        self.memory = Memory.load(data_dir)
        self.started = started
        self.permitted = permitted
        self.rng = rng
        self.desks = {office.code: self._desk(office) for office in OFFICES}

    def _desk(self, office: Office) -> Desk:
        counters = self.memory.counters(office.code)
        return Desk(office, Ids(NODE, counters.call, counters.leg), self.rng)

    def step(self, now: datetime) -> list[Path]:
        """Write what ended since the last step: at most one file an office."""
        until = now.replace(microsecond=0)
        since = self.memory.last_written(until - timedelta(seconds=INTERVAL_SECONDS))
        records: dict[str, list[Values]] = {office.code: [] for office in OFFICES}
        for office in OFFICES:
            for call in calls_between(office, after=since, until=until):
                self._add(records, office, call)
        for star in STARS:
            for call in self._star_calls(star, until):
                self._add(records, star.person.office, call)
        for _ in range(self.rng.randint(1, MOST_AT_ONCE)):
            self._add(records, *self._call_of_now(until))
        self.memory.written_until = until.isoformat()
        written = [self._write(office, records[office.code], until) for office in OFFICES]
        self.memory.save()
        return [path for path in written if path is not None]

    def _add(self, records: dict[str, list[Values]], office: Office, call: PlannedCall) -> None:
        """Add the call's records, or that of a refusal where Tollgate says no."""
        if call.caller is not None and not self.permitted(call):
            start = int(call.records[0]["dateTimeOrigination"])
            desk = self.desks[office.code]
            records[office.code].extend(desk.refused(call.caller, call.dialled, start=start))
        else:
            records[office.code].extend(call.records)

    def _write(self, office: Office, records: list[Values], until: datetime) -> Path | None:
        counters = self.memory.counters(office.code)
        desk = self.desks[office.code]
        counters.call, counters.leg = desk.ids.call, desk.ids.leg
        if not records:
            return None
        counters.file += 1
        name = file_name(office, node=NODE, at=until, sequence=counters.file)
        return write_file(drop_folder(self.data_dir, office), name, records)

    def _call_of_now(self, until: datetime) -> tuple[Office, PlannedCall]:
        """A call by chance that has just ended."""
        person = self.rng.choice(people())
        end = int(until.timestamp())
        call = draw(self.desks[person.office.code], person, end)
        back = call.ended - end
        moved: list[Values] = [
            {**record, **{name: int(record[name]) - back for name in TIMES if record[name]}}
            for record in call.records
        ]
        return person.office, PlannedCall(moved, call.caller, call.dialled)

    def _star_calls(self, star: Star, until: datetime) -> Iterator[PlannedCall]:
        """The calls that use a star's budget up, laid one before the other, ending now."""
        if until < self.started + timedelta(seconds=star.live_after):
            return
        period = star.current_period(until)
        key = f"{star.username}@{period.starts_on.isoformat()}"
        made = self.memory.star_calls.get(key, 0)
        missing = star.calls_to_spend - star.planned_before(until) - made
        length = timedelta(seconds=RING_SECONDS + star.minutes * 60)
        end = until
        while missing > 0 and end - length >= period.starts_at:
            yield ship_call(self.desks[star.person.office.code], star, end - length)
            end -= length + timedelta(seconds=GAP_SECONDS)
            missing -= 1
            made += 1
        self.memory.star_calls[key] = made


def run(data_dir: Path, base_url: str) -> None:
    """Write live calls until the process is stopped; none while the company is not there."""

    def permitted(call: PlannedCall) -> bool:
        return call.caller is None or is_permitted(base_url, call.caller, call.dialled)

    traffic: LiveTraffic | None = None
    while True:
        with presence.feeding(data_dir) as may_feed:
            if not may_feed:
                traffic = None  # taken out; loaded again it remembers other things
            else:
                traffic = traffic or LiveTraffic(
                    data_dir,
                    started=clock_now(),
                    permitted=permitted,
                    rng=Random(),  # noqa: S311 - play, not secrets
                )
                traffic.step(datetime.now(UTC))
        time.sleep(INTERVAL_SECONDS)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2])
