"""Settings: the ones that must hold are checked at start, all of them are written down."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core import checks

from billingsite.checks import settings_that_must_hold, sqlite_is_for_one_machine
from tests.support.source_tree import ROOT, python_files

DOCUMENT = ROOT / "docs/settings.md"


FOR_TESTS = {"CI", "TEST_POSTGRES_URL", "TEST_REDIS_URL"}
NOT_FOR_PEOPLE = {"DJANGO_SETTINGS_MODULE"}


def read_variables() -> set[str]:
    """Every environment variable that the product reads."""
    source = (ROOT / "billingsite/settings.py").read_text(encoding="utf-8")
    direct = re.findall(r"""env\.\w+\(\s*["'](\w+)["']""", source)
    secrets = re.findall(r"""[^.\w]secret\(\s*["'](\w+)["']""", source)
    elsewhere = [
        name
        for path in (*python_files(), ROOT / "manage.py")
        for name in re.findall(
            r"""environ(?:\.get\(|\[|\.setdefault\()\s*["']([A-Z_]+)["']""",
            path.read_text(encoding="utf-8"),
        )
        if "environ: " not in path.read_text(encoding="utf-8")
    ]
    tested = re.findall(r"""["'](\w+)["'] in os\.environ""", source)
    found = {*direct, *secrets, *tested, *elsewhere, *(f"{name}_FILE" for name in secrets)}
    return found - NOT_FOR_PEOPLE


def test_every_variable_that_the_product_reads_is_in_the_document_and_no_other() -> None:
    rows = DOCUMENT.read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([A-Z_]+)`", rows, re.MULTILINE))

    assert len(read_variables()) > 25
    assert documented - FOR_TESTS == read_variables()


def test_the_settings_in_force_pass() -> None:
    messages = settings_that_must_hold(app_configs=None)

    assert [message for message in messages if message.level >= checks.WARNING] == []


def test_the_check_runs_at_every_start() -> None:
    registered: list[object] = list(checks.registry.registry.get_checks())

    assert settings_that_must_hold in registered


def altered(**changes: object) -> SimpleNamespace:
    held = {name: getattr(settings, name) for name in dir(settings) if name.isupper()}
    return SimpleNamespace(**{**held, **changes})


POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql",
    "ATOMIC_REQUESTS": False,
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        "options": (
            "-c statement_timeout=1 -c lock_timeout=1"
            " -c idle_in_transaction_session_timeout=1 -c synchronous_commit=on"
        )
    },
}
SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "ATOMIC_REQUESTS": False,
    "OPTIONS": {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL;",
    },
}


@pytest.mark.parametrize(
    "changes",
    [
        {"CELERY_TASK_ACKS_LATE": False},
        {"CELERY_TASK_REJECT_ON_WORKER_LOST": False},
        {"CELERY_WORKER_PREFETCH_MULTIPLIER": 4},
        {"CELERY_ACCEPT_CONTENT": ["json", "pickle"]},
        {"CELERY_TASK_TIME_LIMIT": 0},
        {
            "CELERY_BROKER_URL": "redis://broker",
            "CELERY_BROKER_TRANSPORT_OPTIONS": {"visibility_timeout": 60},
        },
        {"CELERY_BROKER_URL": "redis://broker", "CELERY_BROKER_TRANSPORT_OPTIONS": {}},
        {"USE_TZ": False},
        {"X_FRAME_OPTIONS": "SAMEORIGIN"},
        {"CONTENT_SECURITY_POLICY": {"DIRECTIVES": {"default-src": ["*"]}}},
        {"SECURE_COOKIES": True, "SESSION_COOKIE_NAME": "sessionid"},
        {"SECURE_COOKIES": False, "SITE_URL": "https://tollgate.example"},
        {"DATABASES": {"default": {**SQLITE, "ATOMIC_REQUESTS": True}}},
        {"DATABASES": {"default": {**SQLITE, "OPTIONS": {}}}},
        {"DATABASES": {"default": {**POSTGRESQL, "CONN_HEALTH_CHECKS": False}}},
        {"DATABASES": {"default": {**POSTGRESQL, "OPTIONS": {"options": ""}}}},
        {"MODULES": frozenset({"phonelok"})},
        {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend"},
    ],
    ids=lambda changes: " ".join(f"{name}={value}" for name, value in changes.items())[:70],
)
def test_a_setting_that_must_hold_and_does_not_is_named(changes: dict[str, object]) -> None:
    messages = settings_that_must_hold(app_configs=None, chosen=altered(**changes))

    serious = [message for message in messages if message.level >= checks.WARNING]
    assert serious
    assert any(name.split("_")[-1] in message.msg for name in changes for message in serious)


@pytest.mark.parametrize("chosen", [SQLITE, POSTGRESQL], ids=["SQLite", "PostgreSQL"])
def test_both_databases_pass_as_they_are_set_up(chosen: dict[str, object]) -> None:
    messages = settings_that_must_hold(
        app_configs=None, chosen=altered(DATABASES={"default": chosen})
    )

    assert [message for message in messages if message.level >= checks.WARNING] == []


def test_sqlite_is_said_to_be_for_one_machine() -> None:
    on_sqlite = sqlite_is_for_one_machine(None, chosen=altered(DATABASES={"default": SQLITE}))
    on_postgresql = sqlite_is_for_one_machine(
        None, chosen=altered(DATABASES={"default": POSTGRESQL})
    )

    assert [message.id for message in on_sqlite] == ["billingsite.I001"]
    assert on_postgresql == []
