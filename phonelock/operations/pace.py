"""What every process does now and then, and once when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings


@dataclass(slots=True)
class Pace:
    """Lets something through once every so many seconds, and at a process's first pass.

    Remembered in this process, for each data folder. A clock that was set back does
    not make anything wait.
    """

    seconds: int
    _passed: dict[Path, datetime] = field(default_factory=dict)

    def is_due(self, now: datetime) -> bool:
        """Say whether it is time again; if so, the time counts as used."""
        place = Path(settings.DATA_DIR)
        passed = self._passed.get(place)
        is_due = passed is None or not passed <= now < passed + timedelta(seconds=self.seconds)
        if is_due:
            self._passed[place] = now
        return is_due

    def is_first(self) -> bool:
        """Say whether nothing has passed here yet."""
        return Path(settings.DATA_DIR) not in self._passed
