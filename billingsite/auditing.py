"""The log of changes: which rows it covers, what it leaves out, and who did it.

Set-up is logged field by field: old value, new value, by whom, from where. Facts
(calls, outcomes, events) have histories of their own and are never written twice.
Secrets are left out whole: that they changed is not worth a trace of what they are.
Rows written in bulk (an import) leave one entry a run: `directory.operations.runs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditlog.middleware import AuditlogMiddleware
from auditlog.registry import auditlog
from django.apps import apps
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from directory.models import User
from directory.visitors import address_of


@dataclass(frozen=True, slots=True)
class Audited:
    """A model whose changes are logged, without the fields in `without`."""

    without: tuple[str, ...] = ()


AUDITED: Mapping[str, Audited] = {
    "directory.Site": Audited(),
    "directory.OrgUnit": Audited(),
    "directory.User": Audited(("password", "last_login", "date_joined")),
    "directory.Membership": Audited(),
    "directory.Line": Audited(),
    "directory.LineHolding": Audited(),
    "directory.Supervision": Audited(),
    "directory.CompanyContact": Audited(),
    "cdr.Source": Audited(("caller_secret", "last_record_at")),
    "cdr.Carrier": Audited(),
    "cdr.Gateway": Audited(),
    "cdr.GatewayCarrier": Audited(),
    "cdr.Tariff": Audited(),
    "cdr.TariffVersion": Audited(("packed",)),
    "budgets.Budget": Audited(("members_seen_at", "members_seen_id")),
    "budgets.Threshold": Audited(),
    "budgets.BudgetException": Audited(),
    "alarms.SuppressedAddress": Audited(("last_bounced_at", "last_error", "hard_bounces")),
    "directory.ApiToken": Audited(("digest", "used_at")),
    "mfa.Authenticator": Audited(("data", "last_used_at")),
}
"""Set-up and rights: what an administrator, a supervisor or a command decides."""

NOT_AUDITED: Mapping[str, str] = {
    "cdr.Call": "a fact; its corrections are adjustments",
    "cdr.Adjustment": "a fact",
    "cdr.Delivery": "a fact",
    "cdr.Outcome": "a fact",
    "cdr.QuarantinedRecord": "says itself who settled it, when and why",
    "cdr.UsageTotal": "follows from the calls",
    "cdr.UnitTotal": "follows from the calls",
    "cdr.UsageChange": "work",
    "cdr.Lease": "work",
    "cdr.Heartbeat": "work",
    "budgets.BudgetPeriod": "moved by the pipeline; what people do to it is an override",
    "budgets.PeriodOverride": "a fact with its author and reason",
    "budgets.Crossing": "a fact",
    "budgets.BudgetEvent": "a fact",
    "budgets.BudgetNotice": "a fact",
    "budgets.LockWish": "work",
    "phonelock.LineLock": "its changes are lock events",
    "phonelock.LockEvent": "a fact with its author and reason",
    "phonelock.SwitchCircuit": "work",
    "phonelock.Decision": "a fact",
    "alarms.OutboxMessage": "says itself what became of it",
    "alarms.MailEvent": "a fact with its author",
    "alarms.MailCircuit": "work",
    "budgets.BudgetRequest": "says itself who asked, who answered and why",
    "phonelock.Pin": "its changes are PIN events",
    "phonelock.PinEvent": "a fact with its author",
    "billingsite.SetupStep": "how far the set-up is; what it writes is logged row by row",
    "directory.Preferences": "how one person likes his pages",
    "directory.Contact": "personal, and its owner's alone; those of the company are noted",
    "directory.NumberSearches": "a brake, not a decision",
    "directory.Job": "says itself who asked for it and what became of it",
}
"""What leaves no entry, each with the reason; a model in neither list fails a test."""


def register() -> None:
    """Have the changes of every model in `AUDITED` logged."""
    for label, how in AUDITED.items():
        model = apps.get_model(label)
        if not auditlog.contains(model):
            auditlog.register(model, exclude_fields=list(how.without))


class WhoDidIt(AuditlogMiddleware):  # type: ignore[misc]  # the library has no types
    """Names the reader as the author of what his request changes.

    He is looked up when a change is written: a program that signs in by a token is
    known only then. The address is believed from our own proxies alone.
    """

    @staticmethod
    def _get_actor(request: HttpRequest) -> Any:
        return SimpleLazyObject(lambda: _real(getattr(request, "user", None)))

    @staticmethod
    def _get_remote_addr(request: HttpRequest) -> str | None:
        return address_of(request) or None

    @staticmethod
    def _get_remote_port(request: HttpRequest) -> int | None:
        return None


def _real(user: Any) -> User | None:
    return user if isinstance(user, User) and user.is_authenticated else None
