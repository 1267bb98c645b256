"""Settings that must hold, asserted at every start (reliability reference, section 8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info

from directory.modules import OPTIONAL

ONE_MACHINE = "SQLite is for one machine and without live call control; use PostgreSQL beyond that."
_SQLITE = "django.db.backends.sqlite3"
_SESSION_OPTIONS = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "synchronous_commit=on",
)
_CLOSED_DIRECTIVES = {
    "default-src": ["'self'"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
}


def settings_that_must_hold(
    app_configs: object, chosen: Any = None, **kwargs: object
) -> list[CheckMessage]:
    """Name every setting on which the product's promises rest and that is set otherwise.

    `chosen` replaces the settings in force. The database is not asked.
    """
    del app_configs, kwargs
    chosen = settings if chosen is None else chosen
    return [
        *_queue(chosen),
        *_database(chosen.DATABASES["default"]),
        *_web(chosen),
        *_mail(chosen),
        *_modules(chosen),
    ]


def sqlite_is_for_one_machine(
    app_configs: object, chosen: Any = None, **kwargs: object
) -> list[CheckMessage]:
    """Say what SQLite is not for; asked by ``check --deploy``."""
    del app_configs, kwargs
    chosen = settings if chosen is None else chosen
    if chosen.DATABASES["default"]["ENGINE"] != _SQLITE:
        return []
    return [Info(ONE_MACHINE, id="billingsite.I001")]


def _must(holds: bool, number: int, what: str) -> Iterator[CheckMessage]:  # noqa: FBT001 - a claim
    if not holds:
        yield Error(what, id=f"billingsite.E{number:03}")


def _queue(chosen: Any) -> Iterator[CheckMessage]:
    yield from _must(
        chosen.CELERY_TASK_ACKS_LATE is True,
        1,
        "CELERY_TASK_ACKS_LATE must be on: a task that a dead worker held is not done.",
    )
    yield from _must(
        chosen.CELERY_TASK_REJECT_ON_WORKER_LOST is True,
        2,
        "CELERY_TASK_REJECT_ON_WORKER_LOST must be on: else a lost child counts as done.",
    )
    yield from _must(
        chosen.CELERY_WORKER_PREFETCH_MULTIPLIER == 1,
        3,
        "CELERY_WORKER_PREFETCH_MULTIPLIER must be 1: a long task must not hold others back.",
    )
    yield from _must(
        chosen.CELERY_ACCEPT_CONTENT == ["json"],
        4,
        "CELERY_ACCEPT_CONTENT must be json alone: other formats can run code.",
    )
    limit = chosen.CELERY_TASK_TIME_LIMIT
    yield from _must(
        isinstance(limit, int) and limit > 0,
        5,
        "CELERY_TASK_TIME_LIMIT must be a positive number of seconds.",
    )
    if chosen.CELERY_BROKER_URL != "spool://":
        visible = chosen.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout", 0)
        yield from _must(
            visible > limit,
            6,
            "visibility_timeout in CELERY_BROKER_TRANSPORT_OPTIONS must be longer than"
            " TASK_TIME_LIMIT: else a running task is started a second time.",
        )


def _database(database: dict[str, Any]) -> Iterator[CheckMessage]:
    yield from _must(
        not database.get("ATOMIC_REQUESTS"),
        10,
        "DATABASES: ATOMIC_REQUESTS must be off: transactions are explicit and short.",
    )
    options = database.get("OPTIONS") or {}
    if database["ENGINE"] == _SQLITE:
        is_safe = (
            options.get("transaction_mode") == "IMMEDIATE"
            and options.get("timeout", 0) > 0
            and "journal_mode=WAL" in options.get("init_command", "")
        )
        yield from _must(
            is_safe,
            11,
            "DATABASES: SQLite needs transaction_mode IMMEDIATE, WAL and a busy timeout:"
            " else writers fail or overwrite one another.",
        )
        return
    yield from _must(
        database.get("CONN_HEALTH_CHECKS") is True,
        12,
        "DATABASES: CONN_HEALTH_CHECKS must be on: else requests fail after a database restart.",
    )
    missing = [name for name in _SESSION_OPTIONS if name not in str(options.get("options", ""))]
    yield from _must(not missing, 13, f"DATABASES: session options missing: {', '.join(missing)}.")


def _web(chosen: Any) -> Iterator[CheckMessage]:
    yield from _must(chosen.USE_TZ is True, 20, "USE_TZ must be on: instants are UTC.")
    yield from _must(
        chosen.X_FRAME_OPTIONS == "DENY",
        21,
        "X_FRAME_OPTIONS must be DENY: pages are framed by nobody.",
    )
    directives = chosen.CONTENT_SECURITY_POLICY.get("DIRECTIVES", {})
    open_ones = [
        name for name, value in _CLOSED_DIRECTIVES.items() if directives.get(name) != value
    ]
    yield from _must(
        not open_ones, 22, f"CONTENT_SECURITY_POLICY must close {', '.join(open_ones)}."
    )
    is_https = chosen.SITE_URL.startswith("https://")
    yield from _must(
        chosen.SECURE_COOKIES or not is_https,
        23,
        "SECURE_COOKIES must be on where SITE_URL is https.",
    )
    if chosen.SECURE_COOKIES:
        is_bound = (
            chosen.SESSION_COOKIE_NAME.startswith("__Host-")
            and chosen.CSRF_COOKIE_NAME.startswith("__Host-")
            and chosen.SESSION_COOKIE_SECURE
            and chosen.CSRF_COOKIE_SECURE
            and chosen.SECURE_HSTS_SECONDS >= 31_536_000
        )
        yield from _must(
            is_bound,
            24,
            "SESSION_COOKIE_NAME and CSRF_COOKIE_NAME must begin with __Host-, be secure, and HSTS"
            " last a year, where SECURE_COOKIES is on.",
        )


def _modules(chosen: Any) -> Iterator[CheckMessage]:
    unknown = sorted(set(chosen.MODULES) - OPTIONAL)
    yield from _must(
        not unknown,
        40,
        f"MODULES names {', '.join(unknown)}: only {' and '.join(sorted(OPTIONAL))} can be chosen.",
    )


def _mail(chosen: Any) -> Iterator[CheckMessage]:
    allowed = {
        "django.core.mail.backends.dummy.EmailBackend",
        "django.core.mail.backends.locmem.EmailBackend",
        "django.core.mail.backends.smtp.EmailBackend",
    }
    yield from _must(
        chosen.EMAIL_BACKEND in allowed,
        30,
        "EMAIL_URL must name an SMTP server (smtp://, smtp+tls:// or smtp+ssl://):"
        f" mail goes no other way than SMTP, not by EMAIL_BACKEND {chosen.EMAIL_BACKEND}.",
    )
