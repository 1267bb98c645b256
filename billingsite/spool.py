"""A broker in a folder: kombu's filesystem transport with an atomic publish.

The stock transport writes into the final name, and a worker that reads the half
written file dies. Here a message appears under its name only when it is whole.
"""

from __future__ import annotations

from pathlib import Path
from time import time_ns
from typing import Any
from uuid import uuid4

from kombu.transport import filesystem
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps

TURN_SECONDS = 0.5


class Channel(filesystem.Channel):
    """Publishes by rename."""

    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]
        name = f"{time_ns():020d}_{uuid4().hex}.{queue}.msg"
        folder = Path(self.data_folder_out)
        partial = folder / f".{name}.part"
        partial.write_bytes(str_to_bytes(dumps(payload)))
        partial.replace(folder / name)


class Transport(filesystem.Transport):
    """The transport registered as ``spool://``."""

    Channel = Channel

    def drain_events(self, connection: Any, timeout: float | None = None, **_: Any) -> None:
        """Wait for messages in short turns: a worker that is to stop looks up between them."""
        turn = TURN_SECONDS if timeout is None else min(timeout, TURN_SECONDS)
        super().drain_events(connection, timeout=turn)
