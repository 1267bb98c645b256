"""What engines and drivers refuse in plain English is said in the reader's language."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils import translation

from cdr.driver_words import REFUSALS
from cdr.drivers.base import BadOptions
from cdr.queries.drivers import make_driver
from directory.engine.people_file import InvalidPeopleFile
from directory.operations.people import FILE_REFUSALS, import_people
from directory.said import said
from kernel.clock import now

pytestmark = pytest.mark.feature("F030")
OTHERS = [code for code, _ in settings.LANGUAGES if code != "en"]
WHOLE: dict[str, Any] = {"columns": {"ended_at": 1, "started_at": 2, "dialled": 3}, "header": False}


@pytest.mark.parametrize("language", OTHERS)
def test_every_refusal_is_translated(language: str) -> None:
    with translation.override(language):
        english = [each for each in (*REFUSALS, *FILE_REFUSALS) if said(each, [each]) == each]

    assert english == []


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


def test_what_is_no_known_sentence_stays_as_it_was_written() -> None:
    with translation.override("de"):
        assert said("a driver of others is cross", REFUSALS) == "a driver of others is cross"
