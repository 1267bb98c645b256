"""Tasks, drivers, commands: what the outside can reach."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module

import pytest
from celery import Task
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from billingsite.celery import app
from tests.support.source_tree import PACKAGES

COMMANDS = {
    "setup", "serve", "demo", "test", "apply", "record", "mine", "tick", "import_people",
    "import_rates", "import_tariff", "export_tariff", "quote", "explain", "export_calls", "rerate",
    "reconcile", "prove", "digest", "features",
}  # fmt: skip


def our_tasks() -> Iterator[Task]:
    app.loader.import_default_modules()
    for name, task in sorted(app.tasks.items()):
        if name.split(".")[0] in PACKAGES:
            yield task


def test_there_are_tasks() -> None:
    assert list(our_tasks())


def test_tasks_take_keywords_only_and_shrug_at_what_they_do_not_know() -> None:
    wrong = []
    for task in our_tasks():
        kinds = [parameter.kind for parameter in inspect.signature(task.run).parameters.values()]
        *known, last = kinds or [inspect.Parameter.POSITIONAL_ONLY]
        if last is not inspect.Parameter.VAR_KEYWORD or any(
            kind is not inspect.Parameter.KEYWORD_ONLY for kind in known
        ):
            wrong.append(task.name)

    assert wrong == []


@pytest.mark.parametrize("mapping", ["CALL_DRIVERS", "LOCK_DRIVERS"])
def test_every_driver_that_settings_name_can_be_loaded(mapping: str) -> None:
    places: dict[str, str] = getattr(settings, mapping)

    for name, place in places.items():
        module, _, attribute = place.partition(":")
        assert isinstance(getattr(import_module(module), attribute), type), name


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_of_the_contract_exists_and_explains_itself(name: str) -> None:
    places = get_commands()

    assert name in places
    place = places[name]
    command = load_command_class(str(place), name)
    assert command.help.strip()


def addresses(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern
        else:
            yield from addresses(pattern.url_patterns)


def test_views_that_take_no_csrf_token_are_few_and_known() -> None:
    exempt = {
        pattern.callback.__module__
        for pattern in addresses(get_resolver().url_patterns)
        if getattr(pattern.callback, "csrf_exempt", False)
        # The REST framework asks for the token itself wherever a session signs the caller in.
        and not issubclass(getattr(pattern.callback, "cls", object), APIView)
    }

    assert exempt <= {"phonelock.views.curri"}
