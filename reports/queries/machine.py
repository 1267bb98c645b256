"""What this installation is made of and stands on: versions, disk, database, broker, PDF.

What is slow to find out is remembered for a while in this process.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from kombu import Connection

from alarms.queries.mail_server import mail_channel
from kernel.version import VERSION

LEAST_FREE_BYTES = 100 * 1024 * 1024
LITTLE_FREE_BYTES = 1024 * 1024 * 1024
FILES_MEASURED = 50_000
BROKER_SECONDS = 2
PROBE_SECONDS = 60
REMEMBER_SECONDS = {"folder": 600.0, "database": 60.0, "broker": 15.0, "pdf": 3600.0}

T = TypeVar("T")
_remembered: dict[str, tuple[float, object]] = {}


def forget() -> None:
    """Find everything out anew, as a new process does."""
    _remembered.clear()
    _up_to_date.clear()


def _remember(name: str, find: Callable[[], T]) -> T:
    known = _remembered.get(name)
    if known is not None and time.monotonic() - known[0] < REMEMBER_SECONDS[name]:
        return known[1]  # type: ignore[return-value]
    found = find()
    _remembered[name] = (time.monotonic(), found)
    return found


@dataclass(frozen=True, slots=True)
class Versions:
    """What runs here, by name and version."""

    tollgate: str
    python: str
    django: str
    database: str
    broker: str


def versions() -> Versions:
    """The versions in force; the database is asked once a connection."""
    return Versions(
        tollgate=VERSION,
        python=platform.python_version(),
        django=django.get_version(),
        database=_database_version(),
        broker=broker_kind(),
    )


def _database_version() -> str:
    name = "SQLite" if connection.vendor == "sqlite" else "PostgreSQL"
    try:
        number = connection.get_database_version()
    except DatabaseError:
        return name
    return f"{name} {'.'.join(str(part) for part in number)}"


def broker_kind() -> str:
    """What carries the wake-ups: a folder, Redis, RabbitMQ."""
    scheme = urlsplit(str(settings.CELERY_BROKER_URL)).scheme
    kinds = {"spool": "folder", "redis": "Redis", "rediss": "Redis"}
    return kinds.get(scheme, "RabbitMQ" if scheme.startswith("amqp") else scheme)


def broker_problem() -> str:
    """Why messages cannot be handed to the broker; empty while they can."""
    return _remember("broker", _ask_broker)


def _ask_broker() -> str:
    url = str(settings.CELERY_BROKER_URL)
    if url == "spool://":
        folder = Path(settings.DATA_DIR, "queue")
        place = folder if folder.is_dir() else folder.parent  # the first message makes it
        return "" if os.access(place, os.W_OK) else "its folder cannot be written"
    try:
        with Connection(url, connect_timeout=BROKER_SECONDS) as broker:
            broker.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
    except Exception as error:  # noqa: BLE001 - each transport raises its own
        return f"does not answer: {type(error).__name__}"
    return ""


_up_to_date: list[bool] = []


def waiting_migrations() -> int:
    """Changes of the database that this version needs and that were not applied."""
    if _up_to_date:
        return 0
    executor = MigrationExecutor(connection)
    waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if waiting == 0:
        _up_to_date.append(True)
    return waiting


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk under the data folder, and what of it is ours. All in bytes.

    `is_at_least`: there are so many files that not all were measured.
    """

    total: int
    free: int
    folder: int
    is_at_least: bool
    database: int

    @property
    def is_full(self) -> bool:
        return self.free < LEAST_FREE_BYTES

    @property
    def is_nearly_full(self) -> bool:
        return self.free < LITTLE_FREE_BYTES

    @property
    def used_percent(self) -> int:
        return round(100 * (self.total - self.free) / self.total) if self.total else 0


def disk() -> Disk:
    """Space on the disk, what the data folder takes, and the database."""
    usage = shutil.disk_usage(settings.DATA_DIR)
    folder, is_at_least = _remember("folder", _measure_folder)
    return Disk(
        total=usage.total,
        free=usage.free,
        folder=folder,
        is_at_least=is_at_least,
        database=database_bytes(),
    )


def free_bytes() -> int:
    """Free space on the disk under the data folder."""
    return shutil.disk_usage(settings.DATA_DIR).free


def _measure_folder() -> tuple[int, bool]:
    total = files = 0
    for folder, _, names in os.walk(settings.DATA_DIR):
        for name in names:
            files += 1
            if files > FILES_MEASURED:
                return total, True
            try:
                total += os.lstat(Path(folder, name)).st_size
            except OSError:
                continue
    return total, False


def database_bytes() -> int:
    """How large the database is; 0 where it does not tell."""
    return _remember("database", _measure_database)


def _measure_database() -> int:
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        files = (Path(name + ending) for ending in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.is_file())
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            row = cursor.fetchone()
    except DatabaseError:
        return 0
    return int(row[0]) if row else 0


_asking = threading.Lock()


def has_pdf() -> bool | None:
    """Whether PDF files can be made; None while that is being found out.

    A process of its own tries: the library is large, loads the system's own, and
    a failed import is noisy. The page does not wait for it.
    """
    known = _remembered.get("pdf")
    if known is not None and time.monotonic() - known[0] < REMEMBER_SECONDS["pdf"]:
        return bool(known[1])
    if _asking.acquire(blocking=False):
        threading.Thread(target=_ask_pdf, daemon=True, name="pdf-probe").start()
    return None if known is None else bool(known[1])


def _ask_pdf() -> None:
    try:
        _remembered["pdf"] = (time.monotonic(), makes_pdf())
    finally:
        _asking.release()


def makes_pdf() -> bool:
    """Try it, which takes a second or more."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", "import weasyprint"],
            capture_output=True,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def mail_server() -> str:
    """The mail server's host and port; empty where none is set up."""
    channel = mail_channel()
    return f"{channel.config.host}:{channel.config.port}" if channel else ""
