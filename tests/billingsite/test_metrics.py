"""/metrics: the works in figures for Prometheus, for whoever may ask, without a name or number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from billingsite import metrics
from billingsite.metrics import OutcomeCounts
from cdr.models import Heartbeat, Outcome, OutcomeKind, Source
from directory.models import Job
from phonelock.models import Decision
from reports.queries import works
from tests.support.pages import PagesWorld, pages_world

TOKEN = "metrics-token-of-a-test"  # noqa: S105 - of a test


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> PagesWorld:
    monkeypatch.setattr(metrics, "_outcomes", OutcomeCounts())
    return pages_world(datetime.now(UTC))


def scraped(**headers: Any) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Every sample by name and labels, read back by Prometheus's own parser."""
    text = Client().get("/metrics", **headers).content.decode()
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


@pytest.mark.parametrize(
    ("headers", "token", "status"),
    [
        ({}, "", 200),
        ({}, TOKEN, 200),
        ({"REMOTE_ADDR": "198.51.100.7"}, "", 403),
        ({"REMOTE_ADDR": "198.51.100.7"}, TOKEN, 403),
        ({"HTTP_X_FORWARDED_FOR": "198.51.100.7"}, "", 403),
        ({"HTTP_FORWARDED": "for=198.51.100.7"}, "", 403),
        ({"REMOTE_ADDR": "198.51.100.7", "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}, TOKEN, 200),
        ({"REMOTE_ADDR": "198.51.100.7", "HTTP_AUTHORIZATION": f"bearer {TOKEN}"}, TOKEN, 200),
        ({"REMOTE_ADDR": "198.51.100.7", "HTTP_AUTHORIZATION": "Bearer wrong"}, TOKEN, 403),
        ({"REMOTE_ADDR": "198.51.100.7", "HTTP_AUTHORIZATION": "Bearer "}, "", 403),
        ({"HTTP_AUTHORIZATION": "Bearer wrong"}, TOKEN, 403),
    ],
)
@pytest.mark.django_db
def test_this_machine_or_the_token_opens_it(
    settings: Any, headers: dict[str, Any], token: str, status: int
) -> None:
    settings.METRICS_TOKEN = token

    assert Client().get("/metrics", **headers).status_code == status
    assert Client().get("/metrics/", **headers).status_code == status


def test_every_figure_is_there(world: PagesWorld) -> None:
    now = world.now
    Heartbeat.objects.create(name="tick", beaten_at=now - timedelta(seconds=30))
    Source.objects.update(last_record_at=now - timedelta(seconds=90))
    Job.objects.create(kind="calls_file", title="x", owner=world.people["anna"])
    Decision.objects.create(key="1", decided_at=now, effect="DENY", reason="locked", micros=900)
    Decision.objects.create(
        key="2", decided_at=now - timedelta(hours=1), effect="DENY", reason="locked", micros=900
    )
    world.delivery.records_read = 7
    world.delivery.save()

    found = scraped()

    source = (("source", "milan"),)
    assert found["tollgate_database_up"][()] == 1
    assert 30 <= found["tollgate_tick_age_seconds"][()] < 60
    assert found["tollgate_part_up"][(("part", "tick"),)] == 1
    assert 90 <= found["tollgate_source_lag_seconds"][source] < 120
    assert found["tollgate_records_read_total"][source] == 7
    outcome = (("outcome", "quarantined"), ("source", "milan"))
    assert found["tollgate_outcomes_total"][outcome] == 1
    assert found["tollgate_quarantine_open"][(("reason", "implausible"),)] == 1
    assert found["tollgate_outbox_mails"][(("state", "pending"),)] == 1
    assert found["tollgate_backlog"][(("door", "mails"),)] == 1
    assert found["tollgate_locks_pending"][()] == 1
    assert found["tollgate_locks_failing"][()] == 0
    assert found["tollgate_jobs"][(("state", "queued"),)] == 1
    decided = (("effect", "deny"), ("reason", "locked"))
    assert found["tollgate_admission_decisions_recent"][decided] == 1
    assert () in found["tollgate_database_size_bytes"]
    assert found["tollgate_disk_free_bytes"][()] > 0
    assert len(found["tollgate_build_info"]) == 1


def test_no_name_no_number_and_no_extension_stands_in_it(world: PagesWorld) -> None:
    text = Client().get("/metrics").content.decode()

    for telling in ("Rossi", "anna", "66771234", "99990000", '"201"', "example.com"):
        assert telling not in text


def test_outcomes_are_counted_once_and_then_only_what_is_new(world: PagesWorld) -> None:
    counts = OutcomeCounts()
    first = counts.now()
    with CaptureQueriesContext(connection) as asked:
        again = counts.now()
    Outcome.objects.create(
        delivery=world.delivery, position=1, kind=OutcomeKind.STORED, content_hash="1"
    )
    Outcome.objects.filter(kind=OutcomeKind.QUARANTINED).delete()
    last = counts.now()

    quarantined, stored = (world.source.pk, "Q"), (world.source.pk, "S")
    assert first == again == {quarantined: 1}
    assert last == {quarantined: 1, stored: 1}
    assert len(asked) == 2


def test_a_database_that_is_away_is_told_and_not_a_fault(
    world: PagesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(works, "parts", away)

    found = scraped()

    assert found["tollgate_database_up"][()] == 0
    assert "tollgate_backlog" not in found
    assert "tollgate_disk_free_bytes" in found


def test_names_follow_prometheus_customs(world: PagesWorld) -> None:
    text = Client().get("/metrics").content.decode()

    for family in text_string_to_metric_families(text):
        assert family.name.startswith("tollgate_")
        assert family.documentation.endswith(".")
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples)


@pytest.mark.parametrize("path", ["/metrics", "/health/live", "/health/ready", "/health/"])
@pytest.mark.django_db
def test_nothing_is_changed_by_asking(path: str) -> None:
    assert Client().post(path).status_code == 405
