"""System: whether everything runs, what waits, and what to do about it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from cdr.models import OutcomeKind
from directory.views.base import AdministratorsOnly, ScopedPage
from kernel.clock import now
from reports.queries import machine, works
from reports.queries.works import TICK, PartState
from reports.verdict import State, part_words, problems

PART_MOODS = {
    PartState.RUNNING: "good",
    PartState.LATE: "warn",
    PartState.STOPPED: "bad",
    PartState.FAILED: "bad",
    PartState.NEVER: "bad",
}


class System(AdministratorsOnly, ScopedPage):
    """One sentence on top, what is wrong and what to do, then every part and every door."""

    template_name = "reports/system.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        at = now()
        state = State(
            now=at,
            parts=works.parts(now=at),
            queues=works.queues(),
            sources=works.source_states(now=at),
            set_aside=works.set_aside(),
            mails=works.mail_states(now=at),
            locks=works.lock_states(),
            disk=machine.disk(),
            broker_problem=machine.broker_problem(),
            waiting_migrations=machine.waiting_migrations(),
            has_mail_server=bool(machine.mail_server()),
        )
        words = queue_words()
        return super().get_context_data(
            state=state,
            problems=problems(state),
            last_pass=next(part for part in state.parts if part.name == TICK),
            parts=[_shown(part) for part in state.parts],
            queues=[
                {
                    "words": words[queue.name],
                    "queue": queue,
                    "age": at - queue.oldest if queue.oldest and queue.waiting else None,
                }
                for queue in state.queues
            ],
            set_aside_records=sum(reason.records for reason in state.set_aside),
            kinds=[kind.label for kind in OutcomeKind],
            looked_at=works.RECORDS_LOOKED_AT,
            parked=works.parked_files() if state.queue("parked").waiting else [],
            failing_age=at - state.locks.oldest_failure if state.locks.oldest_failure else None,
            versions=machine.versions(),
            has_pdf=machine.has_pdf(),
            mail_server=machine.mail_server(),
            **kwargs,
        )


def _shown(part: works.Part) -> dict[str, Any]:
    return {
        "part": part,
        "words": part_words(part.name),
        "state": state_words(part.state),
        "mood": PART_MOODS[part.state],
    }


def state_words(state: PartState) -> str:
    """The state of a part in a word."""
    return {
        PartState.RUNNING: _("running"),
        PartState.LATE: _("late"),
        PartState.STOPPED: _("stopped"),
        PartState.FAILED: _("failing"),
        PartState.NEVER: _("never started"),
    }[state]


def queue_words() -> dict[str, str]:
    """What waits at each door, in the order in which a call passes them."""
    return {
        "files": _("Record files to be mined"),
        "mining": _("Deliveries being worked on"),
        "parked": _("Record files parked after failures"),
        "usage": _("Usage that budgets have not looked at"),
        "wishes": _("Lock wishes not taken over"),
        "notices": _("Notices not in the outbox"),
        "mails": _("Mails to be sent"),
    }
