"""The right to run the pipeline: one holder at a time, on every database alike.

A lease is one row taken by compare-and-set. While the holder works, a thread keeps
it alive; a dead holder's lease runs out by itself. After a pass woken by the timer
the row stays closed to other timers for the rest of the interval, so that two beats
do no more than one; somebody who asks for a pass himself does not wait for that.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

from django.db import DatabaseError, connection, transaction
from django.db.models import Q

from cdr.models import Lease
from kernel.clock import Clock

logger = logging.getLogger(__name__)

NAME = "tick"
HOST = socket.gethostname()[:30]
HELD_FOR = timedelta(seconds=25)
KEPT_EVERY_SECONDS = 6.0
COOLDOWN = timedelta(seconds=9)
ASKED_AGAIN_AFTER_SECONDS = 0.2
# A lease further ahead than anybody ever takes one was left by a clock that went wrong.
IMPLAUSIBLE = timedelta(seconds=60)


class Held:
    """A lease that is held. `is_lost` says that somebody else has taken it over."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.is_lost = False


def take(*, clock: Clock, ignore_cooldown: bool) -> Held | None:
    """Take the lease if it is free; None if somebody holds it."""
    now = clock()
    free = Q(until__lte=now) | Q(until__gt=now + IMPLAUSIBLE)
    if ignore_cooldown:
        free |= Q(holder="")
    holder = f"{os.getpid()}:{uuid4().hex[:12]}@{HOST}"[:64]
    for _ in range(2):
        row = Lease.objects.filter(free, name=NAME)
        if row.update(holder=holder, until=now + HELD_FOR):
            return Held(holder)
        with transaction.atomic():
            found, is_new = Lease.objects.get_or_create(name=NAME, defaults={"until": now})
        if not is_new and not _is_dead(found.holder):
            return None
        free |= Q(holder=found.holder)
    return None


def _is_dead(holder: str) -> bool:
    """Whether the holder was a process of this host that is gone: nobody waits for the dead."""
    pid, _, rest = holder.partition(":")
    if not pid.isdecimal() or rest.partition("@")[2] != HOST:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@contextmanager
def held(held_lease: Held, *, clock: Clock) -> Iterator[Held]:
    """Keep a taken lease alive inside the block, and give it back at the end."""
    started = clock()
    stop = threading.Event()
    keeper = threading.Thread(target=_keep, args=(held_lease, clock, stop), daemon=True)
    keeper.start()
    try:
        yield held_lease
    finally:
        stop.set()
        keeper.join()
        Lease.objects.filter(name=NAME, holder=held_lease.holder).update(
            holder="", until=started + COOLDOWN
        )


def wait_for(*, clock: Clock, seconds: float) -> Held | None:
    """Take the lease, waiting at most `seconds` for whoever holds it."""
    deadline = time.monotonic() + seconds
    while True:
        found = take(clock=clock, ignore_cooldown=True)
        if found is not None or time.monotonic() >= deadline:
            return found
        time.sleep(ASKED_AGAIN_AFTER_SECONDS)


def _keep(lease: Held, clock: Clock, stop: threading.Event) -> None:
    """Move the end of the lease on until `stop`; a busy database is asked again."""
    if stop.wait(KEPT_EVERY_SECONDS):
        return
    try:
        while True:
            try:
                row = Lease.objects.filter(name=NAME, holder=lease.holder)
                lease.is_lost = row.update(until=clock() + HELD_FOR) == 0
            except DatabaseError:
                logger.warning("the lease of the pipeline could not be kept this time")
            if lease.is_lost or stop.wait(KEPT_EVERY_SECONDS):
                return
    finally:
        connection.close()
