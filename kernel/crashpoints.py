"""Named places where a test may kill the process, to prove that nothing is lost.

``TOLLGATE_CRASH=name:3`` kills the process with SIGKILL at the third pass of the
crash point `name`. Without the variable a crash point costs one comparison.
"""

from __future__ import annotations

import os
import signal

_name, _, _nth = os.environ.get("TOLLGATE_CRASH", "").partition(":")
_passes_left = int(_nth or "1")

NAMES: tuple[str, ...] = (
    "recorder.claimed",
    "recorder.spool_written",
    "recorder.spool_published",
    "recorder.archived",
    "miner.claimed",
    "miner.batch_before_commit",
    "miner.batch_after_commit",
    "miner.finished",
    "budgets.before_commit",
    "budgets.after_commit",
    "budgets.period_ended",
    "phonelock.flags_swept",
    "phonelock.order_sent",
    "phonelock.order_confirmed",
    "alarms.outbox_written",
    "alarms.claimed",
    "alarms.after_data",
    "demo.noted",
    "demo.before_commit",
    "demo.after_commit",
    "demo.file_gone",
    "demo.folder_cleared",
)


def crashpoint(name: str) -> None:
    """Die here, by SIGKILL, if the environment asked for it."""
    if name == _name:
        _pass()


def _pass() -> None:
    global _passes_left  # noqa: PLW0603 - a counter of this process, for tests only
    _passes_left -= 1
    if _passes_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
