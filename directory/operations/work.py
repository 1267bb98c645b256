"""What a long work is given: its parameters, its owner, and a way to say how far it is.

Progress is one UPDATE a second at most. While the work holds a transaction of its
own, or says nothing for a while, a thread beside it shows that the worker lives and
looks whether the owner wants it to stop.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _

from directory.models import Job, JobState, User
from directory.roles import is_administrator
from directory.said import said
from kernel.errors import DomainError
from kernel.sentences import Sentence

logger = logging.getLogger(__name__)

SAID_EVERY = timedelta(seconds=1)
BEATS_EVERY_SECONDS = 5.0
WORDS_LENGTH = 500
NAME_LENGTH = 120


class Cancelled(Exception):
    """The owner wants no more of it, or another worker has taken it over: stop here."""


class OnlyAdministrators(DomainError):
    """The owner of the job was an administrator when he asked for it, and is none any more."""

    code = "only_administrators"


class Work:
    """One run of a job, for the function that does it.

    What it wrote to the database before `Cancelled` stays, unless it holds a
    transaction: a work that must happen wholly or not at all is one transaction.
    """

    def __init__(self, job: Job, *, clock: Callable[[], datetime]) -> None:
        self.job = job
        self.clock = clock
        self.parameters: dict[str, Any] = job.parameters
        self.owner: User = job.owner
        self.answer: dict[str, Any] = {}
        self.page = ""
        self.file = ""
        self.words = ""
        self.sentences: dict[str, Any] = {
            name: kept for name, kept in job.sentences.items() if name == "title"
        }
        self.done = 0
        self.total: int | None = None
        self._is_over = False
        self._said_at = clock()
        self._outer = _depth()
        self._one_at_a_time = threading.Lock()

    @property
    def at(self) -> datetime:
        """The present instant."""
        return self.clock()

    @property
    def folder(self) -> Path:
        """The job's folder, where files that came with it lie."""
        return folder_of(self.job.pk)

    def for_administrators(self) -> None:
        """Go on only if the owner is an administrator now, whatever he was when he asked.

        Raises:
            OnlyAdministrators: if he is none.
        """
        if not is_administrator(self.owner):
            raise OnlyAdministrators(_("Only administrators may do this."))

    def progress(self, done: int, total: int | None = None) -> None:
        """Say that `done` of `total` pieces are done; without `total`, that it goes on.

        Raises:
            Cancelled: if the work is to stop.
        """
        self.done, self.total = done, total
        if self.clock() - self._said_at >= SAID_EVERY and _depth() == self._outer:
            self.beat()
        if self._is_over:
            raise Cancelled

    def say(self, words: str | Sentence) -> None:
        """Say what is being done, or what came of it; a sentence in whatever language is read."""
        self.words = str(said(words))[:WORDS_LENGTH]
        title = {name: kept for name, kept in self.sentences.items() if name == "title"}
        self.sentences = title | ({"words": asdict(words)} if isinstance(words, Sentence) else {})

    def new_file(self, name: str) -> Path:
        """Where to write the file that the owner downloads under `name`.

        A name that is no plain file name becomes one. A later run of the same job
        writes elsewhere, so that two workers never write one file.
        """
        stem, dot, ending = get_valid_filename(f"file_{name}")[len("file_") :].rpartition(".")
        plain = f"{stem[:NAME_LENGTH]}{dot}{ending[:10]}".lstrip(".") or "file"
        place = self.folder / str(self.job.attempts)
        place.mkdir(parents=True, exist_ok=True)
        self.file = f"{self.job.attempts}/{plain}"
        return place / plain

    def leads_to(self, page: str) -> None:
        """Name the page (an address of ours) where the result is shown."""
        self.page = page

    def beat(self) -> None:
        """Write down how far it is, and look whether it is to stop."""
        with self._one_at_a_time:
            self._said_at = self.clock()
            mine = Job.objects.filter(
                pk=self.job.pk, state=JobState.RUNNING, attempts=self.job.attempts
            )
            is_mine = mine.update(
                heartbeat_at=self._said_at,
                done=self.done,
                total=self.total,
                words=self.words,
                sentences=self.sentences,
            )
            wanted = is_mine and mine.filter(cancel_asked_at__isnull=True).exists()
            self._is_over = self._is_over or not wanted

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beat beside the work for as long as the block runs."""
        stop = threading.Event()
        heart = threading.Thread(target=self._beat_until, args=(stop,), daemon=True)
        heart.start()
        try:
            yield
        finally:
            stop.set()
            heart.join()

    def _beat_until(self, stop: threading.Event) -> None:
        if stop.wait(BEATS_EVERY_SECONDS):
            return
        try:
            while True:
                try:
                    self.beat()
                except DatabaseError:
                    logger.warning("job %s could not show that it lives", self.job.pk)
                if stop.wait(BEATS_EVERY_SECONDS):
                    return
        finally:
            connection.close()


def folder_of(job_id: int) -> Path:
    """The folder of a job's files."""
    return Path(settings.DATA_DIR, "jobs", str(job_id))


def _depth() -> int:
    """How deep in transactions this thread stands."""
    return len(connection.savepoint_ids) + 1 if connection.in_atomic_block else 0
