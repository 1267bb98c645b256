"""What cores and drivers say in plain English is said in the reader's language."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po
from django.conf import settings as django_settings
from django.utils import translation
from pytest_django import Settings

from cdr.drivers.base import BadOptions
from cdr.engine.deck_cells import BadCell, expand_prefixes
from cdr.queries.drivers import UnknownDriver, make_driver
from directory.engine.people_file import InvalidPeopleFile
from directory.models import Membership, OrgUnit, Site, User
from directory.operations.people import import_people
from directory.said import Said, said
from kernel.clock import now
from kernel.sentences import Sentence, recalled, sentence
from tests.support.source_tree import nodes, python_files

pytestmark = pytest.mark.feature("F030")
OTHERS = [code for code, _ in django_settings.LANGUAGES if code != "en"]
WHOLE: dict[str, Any] = {"columns": {"ended_at": 1, "started_at": 2, "dialled": 3}, "header": False}


def speaks_in_sentences(path: Path) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "kernel.sentences"
        and any((name.name, name.asname) == ("sentence", "_") for name in node.names)
        for node in nodes(path)
    )


def sentences_of_the_source() -> Iterator[str]:
    """What stands in the source as `_("…")`, where `_` is a core's or a driver's sentence."""
    for path in filter(speaks_in_sentences, python_files()):
        for node in nodes(path):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
                (text,) = node.args
                assert isinstance(text, ast.Constant), f"{path}: {ast.unparse(node)}"
                yield str(text.value)


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_translated(language: str) -> None:
    path = Path(django_settings.BASE_DIR, "locale", language, "LC_MESSAGES", "django.po")
    with path.open("rb") as file:
        known = {message.id: message.string for message in read_po(file, locale=language)}

    sentences = set(sentences_of_the_source())

    assert len(sentences) > 60
    assert [each for each in sorted(sentences) if not known.get(each)] == []


def test_a_sentence_is_plain_english_and_the_readers_language() -> None:
    dear = sentence("Rows that cost nothing: %(count)s, such as %(value)s", count=1204, value="49")

    assert str(dear) == "Rows that cost nothing: 1,204, such as 49"
    with translation.override("de"):
        assert said(dear) == Said("Zeilen, die nichts kosten: 1.204, etwa 49")


def test_a_sentence_within_a_sentence_is_translated_too() -> None:
    how = sentence(
        "Columns separated by: %(separator)s. Encoding: %(encoding)s.",
        separator=sentence("semicolon"),
        encoding="UTF-8",
    )

    assert str(how) == "Columns separated by: semicolon. Encoding: UTF-8."
    with translation.override("de"):
        assert str(said(how)) == "Spalten getrennt durch: Semikolon. Zeichensatz: UTF-8."


@pytest.mark.parametrize(
    "kept",
    [
        sentence("semicolon"),
        sentence("%(value)s seconds is more than a day", value=90_000),
        sentence("Layout: %(value)s", value=sentence("tab")),
    ],
)
def test_a_sentence_that_was_kept_says_the_same(kept: Sentence) -> None:
    assert recalled(json.loads(json.dumps(asdict(kept)))) == kept


def test_a_sign_of_percent_in_what_somebody_typed_stays() -> None:
    with pytest.raises(BadCell) as bad:
        expand_prefixes("%(value)s")

    assert str(said(bad.value.words)) == str(bad.value) == "“%(value)s” is not a prefix"
    assert str(said(sentence("100 %"))) == "100 %"


@pytest.mark.parametrize(
    ("driver", "options"),
    [
        ("cucm", {"colour": 1}),
        ("cucm", {"columns": ["a"]}),
        ("cucm", {"columns": 1}),
        ("cucm", {"append": True}),
        ("cucm", {"files": "cdr"}),
        ("delimited", {"colour": 1}),
        ("delimited", {}),
        ("delimited", {"columns": {"colour": 1}}),
        ("delimited", {"columns": {"ended_at": ""}}),
        ("delimited", {"columns": {"ended_at": "a"}, "header": False}),
        ("delimited", {"columns": {"dialled": 1}}),
        ("delimited", {"columns": {"started_at": 1, "dialled": 1}}),
        ("delimited", {"columns": {"ended_at": 1}}),
        ("delimited", WHOLE | {"header": 1}),
        ("delimited", WHOLE | {"encoding": 1}),
        ("delimited", WHOLE | {"encoding": "klingon"}),
        ("delimited", WHOLE | {"encoding": "utf-16"}),
        ("delimited", WHOLE | {"fields": "a"}),
        ("delimited", WHOLE | {"skip_prefixes": "a"}),
        ("delimited", WHOLE | {"delimiter": ";;"}),
        ("delimited", WHOLE | {"time_formats": ["soon"]}),
        ("delimited", WHOLE | {"time_formats": []}),
        ("delimited", WHOLE | {"zone": "Atlantis/Deep"}),
        ("delimited", WHOLE | {"duration_unit": "h"}),
        ("delimited", WHOLE | {"status": {}}),
        ("delimited", WHOLE | {"status": {"column": 1, "busy": []}}),
    ],
)
def test_each_way_to_get_options_wrong_has_its_words(driver: str, options: dict[str, Any]) -> None:
    heard = []
    for language in ("en", "de"):
        with translation.override(language), pytest.raises(BadOptions) as refusal:
            make_driver(driver, source="Here", zone=str(ZoneInfo("UTC")), options=options)
        heard.append(refusal.value.message)

    assert heard[0] != heard[1]
    assert "Option" in heard[1]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content",
    [b"", b"username,colour\n", b"username,,email\n", b"username,email,email\n", b"\xff\xfea",
     b'username,email\nmario,"oops\n'],
)  # fmt: skip
def test_a_people_file_is_refused_in_the_readers_language(content: bytes) -> None:
    heard = []
    for language in ("en", "fr"):
        with translation.override(language), pytest.raises(InvalidPeopleFile) as refusal:
            import_people(content=content, at=now(), is_dry_run=True)
        heard.append(refusal.value.message)

    assert heard[0] != heard[1]


ROWS = [
    ("username,email", "mario"),
    ("username,email", "mario,\x07"),
    ("username,email", "mario,\ufffd"),
    ("username,email", ",m@example.com"),
    ("username", "mario rossi"),
    ("username", "x" * 151),
    ("username,email", "mario,no mail"),
    ("username,language", "mario,klingon"),
    ("username,time_zone", "mario,Moon/Base"),
    ("username,role", "mario,king"),
    ("username,role,supervises", "mario,user,department:Sales"),
    ("username,supervises", "mario,Nowhere"),
    ("username,supervises", "mario,department:"),
    ("username,supervises", "mario,Twice"),
    ("username,manager", "mario,nobody"),
    ("username,manager", "mario,mario"),
    ("username,department", "mario,Sales//North"),
    ("username,department", f"mario,{'x' * 101}"),
    ("username,department", f"mario,{'x/' * 17}x"),
    ("username,site", "mario,Atlantis"),
    ("username,site,extension", "mario,Here,2 01"),
    ("username,site,partition,extension", "mario,Here,PT,"),
    ("username,extension", "mario,201"),
    ("username,valid_from", "mario,31.12.2026"),
    ("username,department,valid_from", "known,Lab,2026-02-01"),
    ("username", "KNOWN"),
    ("username,email", "mario,a@example.com\nmario,b@example.com"),
    ("username,site,extension", "mario,Here,201\nanna,Here,201"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("header", "rows"), ROWS)
def test_a_row_is_refused_in_the_readers_language(header: str, rows: str) -> None:
    for name in ("Here", "There"):
        Site.objects.create(name=name, country="IT", time_zone="Europe/Rome", currency="EUR")
    units = [("DEPARTMENT", "Old"), ("DEPARTMENT", "Twice"), ("OFFICE", "Twice")]
    old, twice, _office = (
        OrgUnit.objects.create(kind=kind, name=name, path=name) for kind, name in units
    )
    known = User.objects.create(username="known")
    march = datetime(2026, 3, 1, tzinfo=UTC)
    Membership.objects.create(user=known, department=old, valid_to=march)
    Membership.objects.create(user=known, department=twice, valid_from=march)
    heard = []
    for language in ("en", "es"):
        with translation.override(language):
            content = f"{header}\n{rows}\n".encode()
            report = import_people(content=content, at=now(), is_dry_run=True)
        heard.append([row.reason for row in report.refused])

    assert heard[0]
    assert len(heard[0]) == len(heard[1])
    assert not set(heard[0]) & set(heard[1])


@pytest.mark.django_db
def test_a_site_that_nobody_has_yet_is_refused_in_the_readers_language() -> None:
    with translation.override("de"):
        report = import_people(content=b"username,site\nmario,Rome\n", at=now(), is_dry_run=True)

    assert report.refused[0].reason == ("es gibt keinen Standort 'Rome'; noch ist keiner bekannt")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("", "es gibt keinen Anruftreiber foreign; bekannt:"),
        ("nowhere.to.be:Found", "lässt sich nicht laden:"),
        ("cdr.drivers.base:ends_with_newline", "ist keine Klasse"),
    ],
)
def test_a_driver_that_is_not_there_is_said_in_the_readers_language(
    settings: Settings, place: str, words: str
) -> None:
    if place:
        settings.CALL_DRIVERS = {**settings.CALL_DRIVERS, "foreign": place}

    with translation.override("de"), pytest.raises(UnknownDriver) as refusal:
        make_driver("foreign", source="Here", zone="UTC", options={})

    assert words in refusal.value.message


def test_what_a_driver_of_others_says_stays_as_it_was_written() -> None:
    with translation.override("de"):
        assert said(BadOptions("tab").words) == Said("tab", is_foreign=True)
        assert said(recalled("no price")) == Said("no price", is_foreign=True)
