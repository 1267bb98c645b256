"""Taking the sample company out again: all of it or nothing, and finished after a kill.

Facts are never deleted one by one: no row of anybody's calls, budgets or locks can be. What
is done here is another thing, and the only door to it: while everything in the
installation is the sample's, the tables of what happened are emptied as a whole, then
the people, lines and prices of the sample go. In one transaction, with the pipeline at
rest and the live calls stopped; the log of changes keeps one entry that says so.

The order survives a kill at any moment. A note says what is begun; rows go before files,
so a file is still there to be read as long as its calls may be; the note goes last.
Started again, the work goes on where the note and the rows say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from auditlog.context import disable_auditlog
from django.conf import settings
from django.core.management.color import no_style
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from alarms.models import MailEvent, OutboxMessage, SuppressedAddress
from billingsite import lease
from billingsite.demo import belongings, leftovers, presence
from billingsite.models import SetupKey, SetupStep
from billingsite.queries import demo_rows
from budgets.models import (
    Budget,
    BudgetEvent,
    BudgetException,
    BudgetNotice,
    BudgetPeriod,
    BudgetRequest,
    Crossing,
    LockWish,
    PeriodOverride,
    Threshold,
)
from cdr.models import (
    Adjustment,
    Call,
    Carrier,
    Delivery,
    Gateway,
    Outcome,
    QuarantinedRecord,
    Source,
    Tariff,
    TariffVersion,
    UnitTotal,
    UsageChange,
    UsageTotal,
)
from cdr.queries.sources import active_sources
from directory.models import Job, Line, OrgUnit, Site, User
from directory.operations.runs import note_run
from kernel.clock import Clock
from kernel.crashpoints import crashpoint
from kernel.errors import DomainError
from kernel.sentences import Sentence, sentence
from phonelock.models import Decision, LineLock, LockEvent, PinEvent
from phonelock.operations.publishing import publish_all

HAPPENED: Final[tuple[type[Model], ...]] = (
    MailEvent,
    OutboxMessage,
    LockWish,
    BudgetNotice,
    BudgetRequest,
    BudgetEvent,
    Crossing,
    PeriodOverride,
    BudgetPeriod,
    Threshold,
    BudgetException,
    Budget,
    LockEvent,
    LineLock,
    Decision,
    UsageChange,
    UsageTotal,
    UnitTotal,
    Adjustment,
    Outcome,
    QuarantinedRecord,
    Call,
    Delivery,
)
"""Tables that are emptied as a whole, those that point at others first."""

OF_THE_SAMPLE: Final = (
    *(SetupKey.CALLS, SetupKey.NUMBERS, SetupKey.PRICES),
    *(SetupKey.PEOPLE, SetupKey.BUDGETS),
)
"""Steps of the set-up that may remember something of the sample's telephone systems."""

LEASE_WAIT_SECONDS: Final = 120.0


class NoDemo(DomainError):
    """There is no sample company here."""

    code = "no_demo"


class NotOnlyTheDemo(DomainError):
    """Something here is not the sample's, or hangs on it; `strangers` names it."""

    code = "not_only_the_demo"

    def __init__(self, strangers: Sequence[demo_rows.Stranger]) -> None:
        self.strangers = strangers
        named = "; ".join(map(str, strangers))
        super().__init__(
            _("Not everything here is the sample company's. Nothing was removed. %(named)s")
            % {"named": named}
        )


class NoOwnAdministrator(DomainError):
    """Whoever asks is one of the sample's people: his account would go, and nobody could go on."""

    code = "no_own_administrator"


class RemovalDisturbed(DomainError):
    """Something was written at the same moment, or the pipeline did not come to rest."""

    code = "removal_disturbed"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would go, and what speaks against it. `is_begun`: only files are left to be cleared."""

    figures: tuple[demo_rows.Figure, ...] = ()
    strangers: tuple[demo_rows.Stranger, ...] = ()
    is_begun: bool = False


@dataclass(frozen=True, slots=True)
class Removal:
    """What went: rows by kind, none where an earlier removal was only finished; and files."""

    figures: tuple[demo_rows.Figure, ...]
    files: int


def refuse_people_of_the_sample(user: User) -> None:
    """Raise NoOwnAdministrator for somebody whose account goes with the sample company."""
    if user.username in belongings.usernames():
        raise NoOwnAdministrator(
            _(
                "You are one of the sample company's people. Make an administrator of your own in "
                "step 2, sign in as that one, and come back."
            )
        )


def outlook() -> Outlook:
    """What taking the sample company out would come to, as things stand now.

    Raises:
        NoDemo: if there is none.
    """
    data_dir = Path(settings.DATA_DIR)
    if not presence.is_here(data_dir):
        raise NoDemo(_("There is no sample company here."))
    note = presence.leaving(data_dir)
    if note is not None and not _has_rows(note):
        return Outlook(is_begun=True)
    return Outlook(tuple(demo_rows.figures()), tuple(demo_rows.strangers()))


def remove_demo(
    *, clock: Clock, say: Callable[[Sentence], None], go_on: Callable[[], None] = lambda: None
) -> Removal:
    """Take the sample company out, or finish what was begun; `say` is told how far it is.

    `go_on` is asked at the last moment at which nothing has gone yet, and may raise.

    Raises:
        NoDemo: if there is none.
        NotOnlyTheDemo: if something else is here; nothing was changed then.
        DemoIsBusy: if somebody else is loading it or taking it out.
        RemovalDisturbed: if it could not be done just now; nothing was changed then.
    """
    data_dir = Path(settings.DATA_DIR)
    if not presence.is_here(data_dir):
        raise NoDemo(_("There is no sample company here."))
    with presence.alone(data_dir):
        note = presence.leaving(data_dir)
        gone: tuple[demo_rows.Figure, ...] = ()
        if note is None or _has_rows(note):
            _refuse_strangers()
            say(sentence(gettext_noop("Waiting for calls that are being priced")))
            with _pipeline_at_rest(clock):
                go_on()
                note, gone = _rows_go(data_dir, at=clock())
        say(sentence(gettext_noop("Clearing its files away")))
        return Removal(gone, _files_go(note, at=clock()))


def settle_demo(*, clock: Clock) -> None:
    """Before the sample company is loaded: finish a removal whose rows are gone, else call it off.

    The caller is alone at work on it.
    """
    data_dir = Path(settings.DATA_DIR)
    note = presence.leaving(data_dir)
    if note is None:
        return
    if _has_rows(note):
        presence.forget_leaving(data_dir)
    else:
        _files_go(note, at=clock())


def _has_rows(note: presence.Leaving) -> bool:
    """Whether the rows are still there: they go all at once, and their keys are never used again."""
    return Site.objects.filter(pk__in=note.sites).exists()


@contextmanager
def _pipeline_at_rest(clock: Clock) -> Iterator[None]:
    held = lease.wait_for(clock=clock, seconds=LEASE_WAIT_SECONDS)
    if held is None:
        raise RemovalDisturbed(_("Calls are being priced without a pause. Try again in a minute."))
    with lease.held(held, clock=clock):
        yield


# --- Rows -----------------------------------------------------------------------------------------


def _rows_go(
    data_dir: Path, *, at: datetime
) -> tuple[presence.Leaving, tuple[demo_rows.Figure, ...]]:
    note = presence.Leaving(
        since=at.isoformat(),
        sites=tuple(demo_rows.sample_sites().values_list("pk", flat=True)),
        jobs=tuple(
            Job.objects.filter(owner__in=demo_rows.sample_people()).values_list("pk", flat=True)
        ),
    )
    presence.note_leaving(data_dir, note)
    crashpoint("demo.noted")
    try:
        with transaction.atomic():
            figures = _delete()
            crashpoint("demo.before_commit")
    except Exception as error:
        presence.forget_leaving(data_dir)
        if isinstance(error, IntegrityError):
            raise RemovalDisturbed(
                _("Somebody wrote something at the same moment. Nothing was removed; try again.")
            ) from error
        raise
    crashpoint("demo.after_commit")
    return note, figures


def _delete() -> tuple[demo_rows.Figure, ...]:
    """Everything of the sample, inside the caller's transaction.

    What calls, budgets and locks hang on is locked first, so that none can be added; then
    it is looked once more whether all is the sample's.
    """
    for model in (Site, Source, OrgUnit, User, Line, Tariff, Carrier):
        list(model._default_manager.select_for_update().order_by("pk").values_list("pk"))
    _refuse_strangers()
    figures = tuple(demo_rows.figures())
    addresses = [
        address.lower()
        for address in demo_rows.sample_people().values_list("email", flat=True)
        if address
    ]
    tables = [model._meta.db_table for model in HAPPENED]
    flush = connection.ops.sql_flush(no_style(), tables, reset_sequences=False)
    connection.ops.execute_sql_flush(flush)
    with disable_auditlog():  # one entry for the whole instead of one a row
        SuppressedAddress.objects.filter(address__in=addresses).delete()
        PinEvent.objects.filter(user__in=demo_rows.sample_people()).delete()
        demo_rows.sample_contacts().delete()
        demo_rows.sample_people().delete()
        Line.objects.all().delete()
        OrgUnit.objects.update(parent=None)
        OrgUnit.objects.all().delete()
        Gateway.objects.all().delete()
        Carrier.objects.all().delete()
        TariffVersion.objects.all().delete()
        Tariff.objects.all().delete()
        Source.objects.all().delete()
        demo_rows.sample_sites().delete()
        SetupStep.objects.filter(key__in=OF_THE_SAMPLE, is_skipped=False).delete()
    note_run(
        Site,
        words="removal of the sample company",
        figures={figure.key: figure.number for figure in figures},
        is_removal=True,
    )
    return figures


def _refuse_strangers() -> None:
    found = demo_rows.strangers()
    if found:
        raise NotOnlyTheDemo(found)


# --- Files ----------------------------------------------------------------------------------------


def _files_go(note: presence.Leaving, *, at: datetime) -> int:
    """Tell switches and the Recorder that the sites are gone, then clear the files away."""
    publish_all(now=at)
    active_sources()  # which renews what the Recorder knows while the database is down
    return leftovers.clear(note)
