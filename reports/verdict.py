"""Is all well? What is wrong, worst first, in words that say what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from directory.templatetags.ages import age
from directory.templatetags.figures import whole
from reports.queries.machine import Disk
from reports.queries.works import (
    TICK,
    LockStates,
    MailStates,
    Part,
    PartState,
    Queue,
    SetAside,
    SourceState,
)

LONG_WAIT = timedelta(minutes=10)


def _code(text: str) -> SafeString:
    """What is typed into a machine, set apart from the words around it."""
    return format_html('<code dir="ltr">{}</code>', text)


_STARTERS = {
    "serve": _code("python3 manage.py serve"),
    "beat": _code("tollgate-beat"),
    "fast": _code("tollgate-fast"),
}


class Weight(IntEnum):
    """How bad it is: something stands still, or somebody should look."""

    BAD = 0
    WARNING = 1

    @property
    def mood(self) -> str:
        return "bad" if self is Weight.BAD else "warn"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it should be: what it means, what to do, and where."""

    weight: Weight
    words: str
    advice: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the verdict looks at."""

    now: datetime
    parts: Sequence[Part]
    queues: Sequence[Queue]
    sources: Sequence[SourceState]
    set_aside: Sequence[SetAside]
    mails: MailStates
    locks: LockStates
    disk: Disk
    broker_problem: str
    waiting_migrations: int
    has_mail_server: bool

    def queue(self, name: str) -> Queue:
        """The door called `name`; an empty one where there is none."""
        return next((queue for queue in self.queues if queue.name == name), Queue(name, 0))


def part_words(name: str) -> str:
    """What a part of the product does, for people; its own name where it is not ours."""
    words = {
        "tick": _("The pipeline as a whole"),
        "record": _("Recorder: reads the telephone systems' files"),
        "mine": _("Miner: prices and stores calls"),
        "periods": _("Ends budget periods"),
        "budgets": _("Looks at budgets"),
        "wishes": _("Takes budget locks over to phones"),
        "switch": _("Tells the telephone systems about locks"),
        "notices": _("Writes mails"),
        "mail": _("Sends mails"),
        "jobs": _("Wakes long jobs"),
        "beat": _("Timer (beat)"),
        "fast worker": _("Worker for the pipeline"),
        "slow worker": _("Worker for reports and files"),
    }
    return words.get(name, name)


def problems(state: State) -> list[Problem]:
    """What is wrong, worst first; empty when all is well."""
    found = [
        *_of_parts(state),
        *_of_machine(state),
        *_of_queues(state),
        *_of_sources(state),
        *_of_records(state),
        *_of_mails(state),
        *_of_locks(state),
    ]
    return sorted(found, key=lambda problem: problem.weight)


def _of_parts(state: State) -> Iterator[Problem]:
    silent = [part for part in state.parts if part.state is PartState.STOPPED]
    last = next((part for part in state.parts if part.name == TICK), None)
    if last is not None and last.state is PartState.NEVER:
        yield Problem(
            Weight.BAD,
            _("The pipeline has never run, so no call record is read."),
            format_html(
                _("Start it with {serve}, or start the services {beat} and {fast}."), **_STARTERS
            ),
        )
    elif last is not None and last.state is PartState.STOPPED:
        yield Problem(
            Weight.BAD,
            _("The pipeline has stood still for %(age)s: calls wait, nothing is lost.")
            % {"age": age(last.age)},
            format_html(
                _("Start it again with {serve}, or start the services {beat} and {fast}."),
                **_STARTERS,
            ),
        )
        return
    for part in silent:
        yield Problem(
            Weight.BAD,
            _("“%(part)s” has been silent for %(age)s.")
            % {"part": part_words(part.name), "age": age(part.age)},
            _("Start its process again; what it has to do waits for it."),
        )
    for part in state.parts:
        if part.state is PartState.FAILED and part.name != TICK:
            yield Problem(
                Weight.BAD,
                _("“%(part)s” fails: %(note)s")
                % {"part": part_words(part.name), "note": part.note.removeprefix("failed: ")},
                _(
                    "The other stages go on, and the next pass tries again. The log has the details."
                ),
            )


def _of_machine(state: State) -> Iterator[Problem]:
    if state.waiting_migrations:
        yield Problem(
            Weight.BAD,
            ngettext(
                "%(count)s change of the database was not applied.",
                "%(count)s changes of the database were not applied.",
                state.waiting_migrations,
            )
            % {"count": whole(state.waiting_migrations)},
            format_html(_("Run {command}."), command=_code("python3 manage.py setup")),
        )
    if state.broker_problem:
        yield Problem(
            Weight.BAD,
            _("The queue does not take messages: %(reason)s.") % {"reason": state.broker_problem},
            format_html(_("Start it, or correct {setting}."), setting=_code("CELERY_BROKER_URL")),
        )
    if state.disk.is_full or state.disk.is_nearly_full:
        yield Problem(
            Weight.BAD if state.disk.is_full else Weight.WARNING,
            _("The disk is nearly full."),
            _("Make room: move old files out of the data folder, or give it a larger disk."),
        )


def _of_queues(state: State) -> Iterator[Problem]:
    waiting = state.queue("files")
    if waiting.oldest is not None and state.now - waiting.oldest > LONG_WAIT:
        yield Problem(
            Weight.WARNING,
            ngettext(
                "%(count)s file has waited for the Miner for %(age)s.",
                "%(count)s files wait for the Miner, the oldest for %(age)s.",
                waiting.waiting,
            )
            % {"count": whole(waiting.waiting), "age": age(state.now - waiting.oldest)},
            _("After a large delivery this settles by itself; else look at the parts below."),
        )
    parked = state.queue("parked")
    if parked.waiting:
        yield Problem(
            Weight.WARNING,
            ngettext(
                "%(count)s file was parked because it could not be worked through.",
                "%(count)s files were parked because they could not be worked through.",
                parked.waiting,
            )
            % {"count": whole(parked.waiting)},
            _("Their reasons stand below; move a mended file into the source's folder again."),
            "#parked",
        )


def _of_sources(state: State) -> Iterator[Problem]:
    if not any(source.is_active for source in state.sources):
        yield Problem(
            Weight.WARNING,
            _("No source of call records is switched on."),
            _("Set one up, or switch one on."),
            reverse("admin:cdr_source_changelist"),
        )
    for source in state.sources:
        if source.is_quiet and source.lag is not None:
            yield Problem(
                Weight.WARNING,
                _("%(source)s has brought no record for %(age)s.")
                % {"source": source.name, "age": age(source.lag)},
                _("Look whether the telephone system still writes and sends its files."),
                reverse("admin:cdr_source_change", args=[source.pk]),
            )


def _of_records(state: State) -> Iterator[Problem]:
    waiting = sum(reason.records for reason in state.set_aside)
    if waiting:
        yield Problem(
            Weight.WARNING,
            ngettext(
                "%(count)s call record could not be used.",
                "%(count)s call records could not be used.",
                waiting,
            )
            % {"count": whole(waiting)},
            _("They are kept whole: mend and replay them, or close them with a reason."),
            reverse("cdr:quarantine"),
        )


def _of_mails(state: State) -> Iterator[Problem]:
    waiting = state.queue("mails")
    if not state.has_mail_server and waiting.waiting:
        yield Problem(
            Weight.WARNING,
            _("No mail server is set up, so mails stay here."),
            format_html(
                _(
                    "Name one in the set-up, or with {setting}; until then they can be read in the"
                    " outbox."
                ),
                setting=_code("EMAIL_URL"),
            ),
            reverse("alarms:outbox"),
        )
    if state.mails.away is not None:
        yield Problem(
            Weight.BAD,
            _("The mail server has not answered for %(age)s.")
            % {"age": age(state.now - state.mails.away[0])},
            _("Mails wait and lose no attempt; one connection is tried every 30 seconds."),
            reverse("alarms:outbox"),
        )
    if state.mails.given_up:
        yield Problem(
            Weight.WARNING,
            ngettext(
                "%(count)s mail of the last seven days did not arrive.",
                "%(count)s mails of the last seven days did not arrive.",
                state.mails.given_up,
            )
            % {"count": whole(state.mails.given_up)},
            _("Look at the reason and send it again."),
            reverse("alarms:outbox") + "?state=GIVEN_UP",
        )


def _of_locks(state: State) -> Iterator[Problem]:
    for switch in state.locks.away:
        yield Problem(
            Weight.BAD,
            _("The telephone system of %(site)s has not answered for %(age)s.")
            % {"site": switch.site.name, "age": age(state.now - switch.since)},
            _("Locks and unlocks there wait, and are carried out once it answers."),
        )
    if state.locks.failing:
        yield Problem(
            Weight.BAD,
            ngettext(
                "The lock of %(count)s line is not confirmed by its telephone system.",
                "The locks of %(count)s lines are not confirmed by their telephone system.",
                state.locks.failing,
            )
            % {"count": whole(state.locks.failing)},
            _("Each is tried again by itself; the reasons stand below."),
            "#locks",
        )
