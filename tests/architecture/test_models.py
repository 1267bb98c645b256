"""Shapes of rows: money, facts, names of rules."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import models
from django.test import RequestFactory

from tests.support.source_tree import APPS

FACTS = {
    "alarms.MailEvent",
    "alarms.OutboxMessage",
    "budgets.BudgetEvent",
    "budgets.BudgetNotice",
    "budgets.BudgetPeriod",
    "budgets.Crossing",
    "budgets.LockWish",
    "cdr.Adjustment",
    "cdr.Call",
    "cdr.Delivery",
    "cdr.Outcome",
    "cdr.QuarantinedRecord",
    "cdr.TariffVersion",
    "cdr.UnitTotal",
    "cdr.UsageChange",
    "cdr.UsageTotal",
    "phonelock.Decision",
    "phonelock.LockEvent",
    "phonelock.PinEvent",
}
"""Rows that tell what happened: written by operations, looked up by people, edited by nobody."""

STATES = {
    "phonelock.LineLock",
    "phonelock.Pin",
    "phonelock.SwitchCircuit",
    "alarms.MailCircuit",
    "cdr.Lease",
}
"""Rows that operations keep; the admin may show them and change nothing."""


def our_models() -> Iterator[type[models.Model]]:
    for label in APPS:
        yield from apps.get_app_config(label).get_models()


def fields() -> Iterator[models.Field]:
    for model in our_models():
        yield from (field for field in model._meta.get_fields() if isinstance(field, models.Field))


def test_the_facts_named_here_exist() -> None:
    assert {model._meta.label for model in our_models()} >= FACTS | STATES


def test_amounts_are_whole_micro_units() -> None:
    wrong = [
        str(field)
        for field in fields()
        if field.name.endswith("_micros") and not isinstance(field, models.BigIntegerField)
    ]

    assert wrong == []


def test_no_column_holds_a_float() -> None:
    assert [str(field) for field in fields() if isinstance(field, models.FloatField)] == []


def test_nothing_that_facts_hang_on_can_be_deleted_from_under_them() -> None:
    wrong = [
        str(field)
        for field in fields()
        if isinstance(field, models.ForeignKey)
        and field.related_model._meta.label in FACTS
        and field.remote_field.on_delete is not models.PROTECT
    ]

    assert wrong == []


def test_facts_do_not_vanish_with_the_rows_they_point_at() -> None:
    wrong = [
        str(field)
        for field in fields()
        if isinstance(field, models.ForeignKey)
        and field.model._meta.label in FACTS
        and field.remote_field.on_delete is not models.PROTECT
    ]

    assert wrong == []


def test_constraints_are_named_as_rules() -> None:
    names = [constraint.name for model in our_models() for constraint in model._meta.constraints]

    # A rule is a sentence: three words or more, no generated hash, no prefix of its kind.
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+){2,}", name)] == []
    assert len(names) == len(set(names))


def test_no_model_orders_itself() -> None:
    assert [model._meta.label for model in our_models() if model._meta.ordering] == []


def test_no_model_has_rules_in_save_or_delete() -> None:
    wrong = [
        model._meta.label
        for model in our_models()
        if "save" in vars(model) or "delete" in vars(model)
    ]

    assert wrong == []


def test_no_generic_foreign_keys() -> None:
    assert [model._meta.label for model in our_models() if model._meta.private_fields] == []


@pytest.mark.django_db
def test_facts_are_read_only_in_the_admin() -> None:
    request = RequestFactory().get("/admin/")
    request.user = get_user_model()(username="root", is_staff=True, is_superuser=True)
    registered = {model._meta.label: place for model, place in admin.site._registry.items()}

    wrong = [
        f"{label}: {right}"
        for label, place in sorted(registered.items())
        if label in FACTS | STATES
        for right in ("add", "change", "delete")
        if getattr(place, f"has_{right}_permission")(request)
    ]

    assert wrong == []


def test_no_handler_of_ours_is_connected_to_a_model_signal() -> None:
    signals = {
        name: signal
        for name, signal in vars(models.signals).items()
        if isinstance(signal, models.signals.ModelSignal)
    }

    ours = [
        f"{name}: {handler!r}"
        for name, signal in signals.items()
        for handler in handlers_of(signal)
        if getattr(handler, "__module__", "").split(".")[0] in (*APPS, "billingsite")
    ]

    assert len(signals) > 5
    assert ours == []


def handlers_of(signal: models.signals.ModelSignal) -> Iterator[object]:
    for _, reference, *_ in signal.receivers:
        handler = reference() if hasattr(reference, "__callback__") else reference
        if handler is not None:
            yield handler
