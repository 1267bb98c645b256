"""What administrators and programmers read beside a field is said in every language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db.models import Field, Model
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.functional import Promise
from drf_spectacular.generators import SchemaGenerator

from billingsite.api_words import EXPLANATIONS, explained
from billingsite.auditing import AUDITED
from billingsite.field_words import HINTS, NAMES, OUR_APPS
from directory.models import Role, User
from directory.scoping import scope_of

pytestmark = pytest.mark.feature("F030")
OTHERS = [code for code, _ in settings.LANGUAGES if code != "en"]
CODES_ALONE = {"IA, IU, OA, OU, NA, …", "mine\ncompany"}
"""Explanations that hold no word of any language."""


def flat(names: Any) -> Iterator[str]:
    for name in names:
        if isinstance(name, str):
            yield name
        elif isinstance(name, (list, tuple)):
            yield from flat(name)


def fields_of(model: type[Model], names: Any) -> set[Field[Any, Any]]:
    known = {field.name: field for field in model._meta.get_fields() if isinstance(field, Field)}
    return {known[name] for name in flat(names) if name in known}


def shown_fields() -> set[Field[Any, Any]]:
    """The fields that stand on some page of the administration, or in the audit log."""
    request = RequestFactory().get("/admin/")
    reader = User.objects.create(username="root", role=Role.ADMIN)
    request.user = reader
    request.directory_scope = scope_of(reader, at=datetime.now(UTC))  # type: ignore[attr-defined]
    found: set[Field[Any, Any]] = set()
    for model, page in admin.site._registry.items():
        if model._meta.app_label not in OUR_APPS:
            continue
        names = [parts["fields"] for _, parts in page.get_fieldsets(request)]
        found |= fields_of(model, [names, page.get_list_display(request)])
        for inline in page.get_inline_instances(request):
            names = [parts["fields"] for _, parts in inline.get_fieldsets(request)]
            found |= fields_of(inline.model, names)
    for label, how in AUDITED.items():
        model = apps.get_model(label)
        if model._meta.app_label in OUR_APPS:
            kept = {field.name for field in model._meta.get_fields()} - set(how.without)
            found |= fields_of(model, list(kept))
    return {field for field in found if field.name != "id"}


@pytest.mark.django_db
def test_no_field_that_is_shown_is_named_or_explained_in_english_alone() -> None:
    shown = shown_fields()

    nameless = {str(each) for each in shown if not isinstance(each.verbose_name, Promise)}
    unexplained = {
        str(each) for each in shown if each.help_text and not isinstance(each.help_text, Promise)
    }

    assert len(shown) > 250
    assert nameless == set()
    assert unexplained == set()


def test_every_name_is_that_of_some_field() -> None:
    models = [model for label in OUR_APPS for model in apps.get_app_config(label).get_models()]
    fields = [
        field for model in models for field in model._meta.get_fields() if isinstance(field, Field)
    ]
    known = {field.name.replace("_", " ") for field in fields}
    known |= {f"{field.model.__name__}.{field.name}" for field in fields}

    assert set(NAMES) - known == set()


@pytest.mark.parametrize("language", OTHERS)
def test_names_hints_and_explanations_are_translated(language: str) -> None:
    with translation.override("en"):
        english = {str(words) for words in (*NAMES.values(), *HINTS.values())} | EXPLANATIONS

    catalogue = translation.trans_real.translation(language)._catalog  # type: ignore[attr-defined]

    assert {words for words in english if not catalogue.get(words)} == set()


def explanations() -> set[str]:
    """All that the schema says of addresses, parameters and fields, one text each."""
    generator: Any = SchemaGenerator
    with translation.override("en"):
        schema = generator().get_schema(request=None, public=True)
    found = []
    for item in schema["paths"].values():
        for operation in item.values():
            found += [operation, *operation.get("parameters", [])]
    for body in schema["components"]["schemas"].values():
        found += [body, *body.get("properties", {}).values()]
    plain = (str(each.get("description", "")).replace("`", "") for each in found)
    texts = {"\n".join(line.removeprefix("* ") for line in each.splitlines()) for each in plain}
    return texts - {""}


@pytest.mark.parametrize("language", OTHERS)
def test_the_programming_interface_is_explained_in_every_language(language: str) -> None:
    texts = explanations()
    with translation.override("en"):
        english = {explained(text) for text in texts}

    with translation.override(language):
        said = {explained(text) for text in texts}

    assert len(texts) > 25
    assert english & said == CODES_ALONE


@pytest.mark.django_db
def test_the_page_of_the_programming_interface_speaks_the_readers_language() -> None:
    reader = User.objects.create(username="root", role=Role.ADMIN, language="it")
    client = Client()
    client.force_login(reader, "django.contrib.auth.backends.ModelBackend")

    page = client.get("/api/v1/docs/").content.decode()
    schema = client.get("/api/v1/schema/").content.decode()

    assert "righe in una risposta" in page
    assert "rows in one answer" not in page
    assert "IA - in entrata con risposta" in page
    assert "rows in one answer" in schema
