"""/health/live and /health/ready: what a balancer and a monitor ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client

from billingsite import health
from cdr.models import Heartbeat
from reports.queries import machine

pytestmark = pytest.mark.django_db


@pytest.fixture
def beating() -> None:
    Heartbeat.objects.create(name="tick", beaten_at=datetime.now(UTC))


@pytest.mark.parametrize("path", ["/health/ready", "/health/ready/", "/health/", "/health"])
def test_ready_names_every_check(beating: None, path: str) -> None:
    answer = Client().get(path)

    assert answer.status_code == 200
    parts = {part["name"]: part for part in answer.json()["parts"]}
    assert set(parts) == {"database", "migrations", "disk", "queue", "tick"}
    assert all(part["ok"] and part["detail"] for part in parts.values())
    assert "no-store" in answer.headers["Cache-Control"]


def failing(answer: Any) -> list[str]:
    return [part["name"] for part in answer.json()["parts"] if not part["ok"]]


def test_a_pipeline_that_never_ran_is_not_ready() -> None:
    answer = Client().get("/health/ready")

    assert answer.status_code == 503
    assert failing(answer) == ["tick"]


def test_a_silent_pipeline_is_not_ready() -> None:
    Heartbeat.objects.create(name="tick", beaten_at=datetime.now(UTC) - timedelta(seconds=61))

    answer = Client().get("/health/ready")

    assert (answer.status_code, failing(answer)) == (503, ["tick"])


def test_a_full_disk_is_not_ready(beating: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_bytes", lambda: 1024)

    answer = Client().get("/health/ready")

    assert (answer.status_code, failing(answer)) == (503, ["disk"])


def test_a_broker_that_is_away_is_not_ready(beating: None, settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    machine.forget()

    answer = Client().get("/health/ready")

    machine.forget()
    assert (answer.status_code, failing(answer)) == (503, ["queue"])


def test_changes_of_the_database_that_wait_are_not_ready(
    beating: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "waiting_migrations", lambda: 2)

    answer = Client().get("/health/ready")

    assert (answer.status_code, failing(answer)) == (503, ["migrations"])


def test_waiting_changes_are_counted_until_there_are_none() -> None:
    machine.forget()

    assert machine.waiting_migrations() == 0
    assert machine.waiting_migrations() == 0


def test_a_database_that_is_away_is_told_as_json(
    beating: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(health, "parts", away)

    answer = Client().get("/health/ready")

    assert answer.status_code == 503
    assert failing(answer) == ["database"]


def test_live_asks_nobody(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answers = [Client().get(path) for path in ("/health/live", "/health/live/")]

    assert [answer.content for answer in answers] == [b"ok\n", b"ok\n"]


def test_a_probe_by_an_unknown_host_name_is_answered(beating: None) -> None:
    assert Client().get("/health/ready", HTTP_HOST="10.1.2.3:8000").status_code == 200
    assert Client().get("/health/live", HTTP_HOST="10.1.2.3:8000").status_code == 200


def test_strangers_learn_the_verdict_and_nothing_else(beating: None, settings: Any) -> None:
    settings.METRICS_TOKEN = "token-of-a-test"  # noqa: S105 - of a test
    outside = Client().get("/health/ready", REMOTE_ADDR="198.51.100.7")
    told = Client().get(
        "/health/ready",
        REMOTE_ADDR="198.51.100.7",
        HTTP_AUTHORIZATION="Bearer token-of-a-test",
    )

    assert outside.json() == {"ok": True}
    assert "parts" in told.json()
