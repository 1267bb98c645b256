"""The steps that bring an installation to the present version; each safe to repeat."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from alarms.queries.mail_server import mail_config
from billingsite.timers import write_timers
from kernel.errors import DomainError
from reports.queries.machine import makes_pdf

PANGO_HINT = "off: apt install libpangoft2-1.0-0"


class DatabaseUnreachable(DomainError):
    """The database does not answer."""

    code = "database_unreachable"


@dataclass(frozen=True, slots=True)
class Step:
    """What a step of `setup` found or did, for people."""

    title: str
    text: str


def prepare(*, compile_words: bool = True) -> Iterator[Step]:
    """Migrate the database, gather static files, compile translations, write the timers.

    Raises:
        DatabaseUnreachable: if the database does not answer.
    """
    Path(settings.DATA_DIR).mkdir(parents=True, exist_ok=True)
    yield Step("data", str(settings.DATA_DIR))
    yield Step("database", f"{database_name()}: {migrate()}")
    yield Step("timers", f"{write_timers()} written")
    yield Step("static files", f"{collect_static()} new")
    if compile_words:
        yield Step("translations", compiled_translations())


def options() -> Iterator[Step]:
    """What is there of the parts that an installation can do without."""
    yield Step("PDF", "on" if makes_pdf() else PANGO_HINT)
    hint = "off: set EMAIL_URL or name a server in the set-up; mails wait"
    yield Step("mail", hint if mail_config() is None else "on")


def database_name() -> str:
    where = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"SQLite {where['NAME']}"
    return f"PostgreSQL {where['NAME']} at {where['HOST'] or 'this machine'}"


def migrate() -> str:
    """Bring the database to the present migrations; say what was done."""
    try:
        executor = MigrationExecutor(connection)
        waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError as error:
        reason = str(error).strip().splitlines()
        raise DatabaseUnreachable(
            f"{database_name()} does not answer: {reason[0] if reason else type(error).__name__}"
        ) from error
    if waiting:
        call_command("migrate", interactive=False, verbosity=0)
    if settings.CACHES["default"]["BACKEND"].endswith("DatabaseCache"):
        call_command("createcachetable", verbosity=0)
    return f"{waiting} migrations applied" if waiting else "up to date"


def collect_static() -> int:
    """Gather static files; say how many are new."""
    told = io.StringIO()
    call_command("collectstatic", interactive=False, verbosity=1, stdout=told)
    first = told.getvalue().strip().split(" ", 1)[0]
    return int(first) if first.isdecimal() else 0


def compiled_translations() -> str:
    try:
        return f"{compile_translations()} compiled"
    except OSError as error:
        return f"not compiled, {error.filename} cannot be written: run setup as its owner"


def compile_translations() -> int:
    """Compile every catalogue that is newer than its compiled form; say how many."""
    compiled = 0
    for folder in settings.LOCALE_PATHS:
        for source in sorted(Path(folder).glob("*/LC_MESSAGES/*.po")):
            target = source.with_suffix(".mo")
            if target.is_file() and target.stat().st_mtime >= source.stat().st_mtime:
                continue
            with source.open("rb") as file:
                catalogue = read_po(file, locale=source.parts[-3])
            fresh = target.with_name(f".{target.name}.{os.getpid()}.part")
            with fresh.open("wb") as file:
                write_mo(file, catalogue)
            fresh.replace(target)
            compiled += 1
    return compiled
