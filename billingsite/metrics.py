"""`/metrics`: the state of the works for Prometheus, asked of the rows at each scrape.

No number, no name of a person, no extension: labels are sources, parts, states and
codes. Whatever one web process answers, another answers too.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from django.db import Error
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from billingsite.probes import is_trusted
from cdr.models import Outcome, OutcomeKind, Source
from directory.models import Job
from kernel import clock
from phonelock.models import Decision
from reports.queries import machine, works
from reports.queries.works import TICK

DECISIONS_WITHIN = timedelta(minutes=5)
OUTCOME_WORDS = {kind.value: kind.name.lower() for kind in OutcomeKind}


class OutcomeCounts:
    """Records by source and outcome: counted once whole, from then on only what is new.

    A table of a million outcomes is read once a process; a record that is replayed
    counts under both of its outcomes, as a counter of events should.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[int, str]] = Counter()
        self._up_to = 0

    def now(self) -> dict[tuple[int, str], int]:
        """The counts up to the newest outcome; two questions."""
        with self._lock:
            newest = Outcome.objects.aggregate(newest=Max("pk"))["newest"] or 0
            if newest < self._up_to:  # another database: begin anew
                self._counts.clear()
                self._up_to = 0
            fresh = (
                Outcome.objects.filter(pk__gt=self._up_to, pk__lte=newest)
                .values_list("delivery__source", "kind")
                .annotate(records=Count("pk"))
                .order_by()
            )
            for source, kind, records in fresh:
                self._counts[source or 0, kind] += records
            self._up_to = newest
            return dict(self._counts)


_outcomes = OutcomeCounts()


class Works(Collector):
    """Asks the rows when it is scraped; says that the database is away when it is."""

    def collect(self) -> Iterator[Metric]:
        """Every figure; those of the database only while it answers."""
        yield _info()
        yield from _machine()
        is_up = GaugeMetricFamily("tollgate_database_up", "Whether the database answers.")
        try:
            found = [*_parts(), *_queues(), *_sources(), *_rows()]
        except Error:
            is_up.add_metric([], 0)
            yield is_up
            return
        is_up.add_metric([], 1)
        yield is_up
        yield from found


def _info() -> Metric:
    versions = machine.versions()
    info = GaugeMetricFamily(
        "tollgate_build_info",
        "Versions in force; always 1.",
        labels=["version", "python", "django", "broker"],
    )
    info.add_metric([versions.tollgate, versions.python, versions.django, versions.broker], 1)
    return info


def _machine() -> Iterator[Metric]:
    yield _gauge(
        "tollgate_disk_free_bytes",
        "Free space on the disk under the data folder.",
        machine.free_bytes(),
    )
    yield _gauge(
        "tollgate_broker_up",
        "Whether the broker takes messages.",
        int(not machine.broker_problem()),
    )


def _parts() -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "tollgate_part_age_seconds",
        "Seconds since a part last gave a sign of life.",
        labels=["part"],
    )
    well = GaugeMetricFamily(
        "tollgate_part_up", "1 while a part is heard of and does not fail.", labels=["part"]
    )
    for part in works.parts(now=clock.now()):
        well.add_metric([part.name], int(part.is_well))
        if part.age is not None:
            age.add_metric([part.name], part.age.total_seconds())
            if part.name == TICK:
                yield _gauge(
                    "tollgate_tick_age_seconds",
                    "Seconds since the pipeline last reported a pass.",
                    part.age.total_seconds(),
                )
    yield age
    yield well


def _queues() -> Iterator[Metric]:
    now = clock.now()
    waiting = GaugeMetricFamily(
        "tollgate_backlog", "What waits at each door of the pipeline.", labels=["door"]
    )
    oldest = GaugeMetricFamily(
        "tollgate_backlog_oldest_seconds",
        "How long the oldest has waited at each door; 0 where nothing waits.",
        labels=["door"],
    )
    for queue in works.queues():
        waiting.add_metric([queue.name], queue.waiting)
        age = now - queue.oldest if queue.oldest and queue.waiting else timedelta(0)
        oldest.add_metric([queue.name], max(0.0, age.total_seconds()))
    yield waiting
    yield oldest


def _sources() -> Iterator[Metric]:
    now = clock.now()
    lag = GaugeMetricFamily(
        "tollgate_source_lag_seconds",
        "Age of the newest record of a source that is switched on.",
        labels=["source"],
    )
    names = {}
    for source in Source.objects.order_by("pk"):
        names[source.pk] = source.name
        if source.is_active and source.last_record_at is not None:
            age = (now - source.last_record_at).total_seconds()
            lag.add_metric([source.name], max(0.0, age))
    yield lag
    read = CounterMetricFamily(
        "tollgate_records_read", "Records read of a source.", labels=["source"]
    )
    for pk, records in sorted(works.records_read().items()):
        read.add_metric([names.get(pk, "")], records)
    yield read
    outcomes = CounterMetricFamily(
        "tollgate_outcomes", "Records by what became of them.", labels=["source", "outcome"]
    )
    for (pk, kind), records in sorted(_outcomes.now().items()):
        outcomes.add_metric([names.get(pk, ""), OUTCOME_WORDS.get(kind, kind)], records)
    yield outcomes


def _rows() -> Iterator[Metric]:
    now = clock.now()
    quarantine = GaugeMetricFamily(
        "tollgate_quarantine_open",
        "Records that could not be used and wait for a person.",
        labels=["reason"],
    )
    for reason in works.set_aside():
        quarantine.add_metric([reason.reason], reason.records)
    yield quarantine

    mails = GaugeMetricFamily(
        "tollgate_outbox_mails",
        "Mails by state: those that wait, and those of the last seven days.",
        labels=["state"],
    )
    states = works.mail_states(now=now)
    for state, number in states.named:
        mails.add_metric([state.value.lower()], number)
    yield mails
    yield _gauge(
        "tollgate_mail_server_up",
        "Whether the mail server answered when it was last tried.",
        int(states.away is None),
    )

    locks = works.lock_states()
    yield _gauge(
        "tollgate_locks_pending",
        "Lines whose telephone system has not confirmed the wanted state.",
        locks.pending,
    )
    yield _gauge(
        "tollgate_locks_failing", "Lines whose last order was not confirmed.", locks.failing
    )
    yield _gauge("tollgate_switches_away", "Telephone systems that do not answer.", len(locks.away))
    yield _jobs()
    yield _decisions()
    yield _gauge("tollgate_database_size_bytes", "Size of the database.", machine.database_bytes())


def _jobs() -> Metric:
    jobs = GaugeMetricFamily("tollgate_jobs", "Long work by kind and state.", labels=["state"])
    counted = Job.objects.values_list("state").annotate(rows=Count("pk")).order_by("state")
    for state, rows in counted:
        jobs.add_metric([str(state).lower()], rows)
    return jobs


def _decisions() -> Metric:
    recent = GaugeMetricFamily(
        "tollgate_admission_decisions_recent",
        "Routing questions of the last five minutes by answer and reason.",
        labels=["effect", "reason"],
    )
    since = clock.now() - DECISIONS_WITHIN
    counted = (
        Decision.objects.filter(decided_at__gte=since)
        .values_list("effect", "reason")
        .annotate(rows=Count("pk"))
        .order_by("effect", "reason")
    )
    for effect, reason, rows in counted:
        recent.add_metric([effect.lower(), reason], rows)
    return recent


def _gauge(name: str, words: str, value: float) -> Metric:
    gauge = GaugeMetricFamily(name, words)
    gauge.add_metric([], value)
    return gauge


registry = CollectorRegistry(auto_describe=False)
registry.register(Works())


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures in Prometheus's text form, for this machine or with the token; else 403."""
    if not is_trusted(request):
        return HttpResponse("metrics: a token is needed\n", status=403, content_type="text/plain")
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
