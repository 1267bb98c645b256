"""The tariff document: what it accepts, what it refuses and where, and back again."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from cdr.engine.tariff_files import document_hash, read_document, write_document
from cdr.engine.tariff_writing import tariff_document
from cdr.engine.tariffs import InvalidTariff, parse_tariff
from tests.support.tariff_strategies import tariffs
from tests.support.tariffs import Document, band, destination, step, tariff

pytestmark = pytest.mark.feature("F005")

EXAMPLE = """{"name": "Acme national 2026", "currency": "EUR", "timezone": "Europe/Rome", "holidays": "IT",
 "rounding": {"mode": "half_up", "decimals": 4},
 "band_rule": "answer",
 "destinations": [
  {"prefix": "39", "area": "Italy", "class": "national", "valid_from": "2026-01-01T00:00:00+01:00", "valid_to": null,
   "bands": [
    {"days": [1,2,3,4,5], "from": "08:00", "to": "18:30", "months": null, "month_days": null, "holiday": false, "weight": 10,
     "connect_fee": "0.05", "free_seconds": 0, "grace_seconds": 0, "minimum_charge": null,
     "maximum_charge": null, "at_maximum": "free",
     "steps": [{"from_second": 0, "price": "0.10", "per_seconds": 60, "increment_seconds": 60},
               {"from_second": 60, "price": "0.08", "per_seconds": 60, "increment_seconds": 6}]}]}]}
"""


def example() -> Document:
    made: Document = json.loads(EXAMPLE)
    return made


def problem(document: Any) -> str:
    with pytest.raises(InvalidTariff) as refusal:
        parse_tariff(document)
    return refusal.value.problems[0]


def changed(path: str, value: Any) -> Document:
    """The example with the value at `path`, such as destinations.0.bands.0.from, replaced."""
    document = example()
    place: Any = document
    *way, last = path.split(".")
    for key in way:
        place = place[int(key)] if key.isdigit() else place[key]
    place[last] = value
    return document


def test_the_example_is_read_whole() -> None:
    parsed = parse_tariff(example())
    (italy,) = parsed.destinations
    (peak,) = italy.bands or ()

    assert (parsed.name, parsed.currency, parsed.timezone, parsed.holidays) == (
        "Acme national 2026", "EUR", "Europe/Rome", "IT",
    )  # fmt: skip
    assert (italy.prefix, italy.area, italy.number_class) == ("39", "Italy", "national")
    assert peak.connect_fee == Decimal("0.05")
    assert [rung.increment_ms for rung in peak.steps] == [60_000, 6_000]


def test_what_was_read_is_written_back_the_same() -> None:
    document = read_document(EXAMPLE.encode())

    assert json.loads(write_document(document)) == example()
    assert tariff_document(parse_tariff(document)) == example()


@given(document=tariffs())
@settings(max_examples=100, deadline=None)
def test_document_and_dataclasses_say_the_same(document: Document) -> None:
    parsed = parse_tariff(document)

    again = tariff_document(parsed)

    assert parse_tariff(again) == parsed
    assert parse_tariff(json.loads(json.dumps(again))) == parsed


def test_optional_keys_may_be_absent() -> None:
    short = {"name": "T", "currency": "EUR", "destinations": [{"prefix": "39", "bands": [{"steps": [{"price": 1, "increment_seconds": 60}]}]}]}  # fmt: skip
    full = parse_tariff(tariff(destination("39", band(step("1", 60), weight=10)), name="T"))

    assert parse_tariff(short) == full


@pytest.mark.parametrize("price", ["0.10", 0.1, Decimal("0.1"), "0.1000"])
def test_numbers_may_be_text_or_json_numbers(price: Any) -> None:
    parsed = parse_tariff(changed("destinations.0.bands.0.steps.0.price", price))

    assert (parsed.destinations[0].bands or ())[0].steps[0].price == Decimal("0.1")


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("currency", "eur", "currency: must be an ISO 4217 code"),
        ("timezone", "Europe/Rom", "timezone: no such time zone"),
        ("timezone", "../etc/passwd", "timezone: no such time zone"),
        ("holidays", "XX", "holidays: no such holiday calendar"),
        ("holidays", "DE-XX", "holidays: no such holiday calendar"),
        ("rounding", {"mode": "nearest"}, "rounding.mode: must be one of half_up"),
        ("rounding", {"mode": "up", "decimals": 21}, "rounding.decimals: must be a whole number from 0 to 20"),
        ("band_rule", "start", "band_rule: must be one of answer, split"),
        ("colour", "red", "colour: unknown key"),
        ("destinations", {}, "destinations: must be a list"),
        ("destinations.0.prefix", "+39", "destinations[0].prefix: digits only"),
        ("destinations.0.prefix", 39, "destinations[0].prefix: must be text"),
        ("destinations.0.clas", "x", "destinations[0].clas: unknown key"),
        ("destinations.0.class", "a class of 17 ch", None),
        ("destinations.0.class", "a class of 17 chr", "destinations[0].class: longer than 16"),
        ("destinations.0.area", "Rome\x00", "destinations[0].area: control characters"),
        ("destinations.0.valid_from", "soon", "destinations[0].valid_from: not an ISO 8601"),
        ("destinations.0.valid_to", "2025-12-31T23:00:00Z", "destinations[0].valid_to: must be later"),
        ("destinations.0.bands.0.from", "8:00", "destinations[0].bands[0].from: must be HH:MM"),
        ("destinations.0.bands.0.from", "24:00", "destinations[0].bands[0].from: 24:00 is an end only"),
        ("destinations.0.bands.0.to", "24:01", "destinations[0].bands[0].to: no such time of day"),
        ("destinations.0.bands.0.to", "18:60", "destinations[0].bands[0].to: no such time of day"),
        ("destinations.0.bands.0.to", "24:00:00", None),
        ("destinations.0.bands.0.days", [], "destinations[0].bands[0].days: an empty list"),
        ("destinations.0.bands.0.days", [0], "destinations[0].bands[0].days: must be a whole number from 1 to 7"),
        ("destinations.0.bands.0.months", [13], "destinations[0].bands[0].months: must be"),
        ("destinations.0.bands.0.month_days", [32], "destinations[0].bands[0].month_days: must be"),
        ("destinations.0.bands.0.holiday", "no", "destinations[0].bands[0].holiday: must be true, false or null"),
        ("destinations.0.bands.0.weight", 1.5, "destinations[0].bands[0].weight: must be a whole number"),
        ("destinations.0.bands.0.connect_fee", "-0.01", "destinations[0].bands[0].connect_fee: must not be negative"),
        ("destinations.0.bands.0.connect_fee", "NaN", "destinations[0].bands[0].connect_fee: not a finite"),
        ("destinations.0.bands.0.connect_fee", True, "destinations[0].bands[0].connect_fee: must be a number"),
        ("destinations.0.bands.0.connect_fee", "1,5", "destinations[0].bands[0].connect_fee: not a decimal"),
        ("destinations.0.bands.0.free_seconds", "0.0001", "destinations[0].bands[0].free_seconds: finer than a millisecond"),
        ("destinations.0.bands.0.at_maximum", "stop", "destinations[0].bands[0].at_maximum: must be one of free, disconnect"),
        ("destinations.0.bands.0.steps", [], "destinations[0].bands[0].steps: at least one step"),
        ("destinations.0.bands.0.steps.0.from_second", 5, "destinations[0].bands[0].steps[0].from_second: the first step starts at second 0"),
        ("destinations.0.bands.0.steps.1.from_second", 0, "destinations[0].bands[0].steps[1].from_second: must be later"),
        ("destinations.0.bands.0.steps.0.per_seconds", 0, "destinations[0].bands[0].steps[0].per_seconds: must be more than 0"),
        ("destinations.0.bands.0.steps.0.increment_seconds", None, "destinations[0].bands[0].steps[0].increment_seconds: is missing"),
        ("destinations.0.bands.0.steps.0.price", "1e30", "destinations[0].bands[0].steps[0].price: more than"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(path: str, value: Any, expected: str | None) -> None:
    document = changed(path, value)

    if expected is None:
        parse_tariff(document)
    else:
        assert problem(document).startswith(expected)


@pytest.mark.parametrize("key", ["name", "currency", "destinations"])
def test_what_must_be_there_is_missed(key: str) -> None:
    document = example()
    del document[key]

    assert problem(document) == f"{key}: is missing"


def test_all_wrong_places_are_named_at_once_up_to_twenty() -> None:
    document = tariff(*(destination(f"x{place}", band(step("1"))) for place in range(40)))

    with pytest.raises(InvalidTariff) as refusal:
        parse_tariff(document)

    assert len(refusal.value.problems) == 20
    assert refusal.value.problems[7].startswith("destinations[7].prefix")


def test_a_prefix_may_start_once_at_one_moment() -> None:
    same = [destination("39", band(step("1")), valid_from=f"2026-01-01T0{hour}:00:00+0{hour}:00") for hour in (1, 2)]  # fmt: skip

    assert problem(tariff(*same)).startswith("destinations[1].prefix: '39' with this valid_from")


@pytest.mark.parametrize(
    ("one", "other", "is_refused"),
    [
        ({}, {}, True),
        ({"weight": 1}, {"weight": 2}, False),
        ({"days": [1]}, {"days": [2]}, False),
        ({"days": [1, 2]}, {"days": [2, 3]}, True),
        ({"start": "08:00", "end": "12:00"}, {"start": "12:00", "end": "18:00"}, False),
        ({"start": "08:00", "end": "12:00:01"}, {"start": "12:00", "end": "18:00"}, True),
        ({"start": "22:00", "end": "06:00"}, {"start": "05:00", "end": "07:00"}, True),
        ({"start": "22:00", "end": "06:00"}, {"start": "06:00", "end": "22:00"}, False),
        ({"start": "22:00", "end": "06:00", "days": [1]}, {"end": "06:00", "days": [2]}, False),
        ({"months": [1]}, {"months": [2]}, False),
        ({"months": [2]}, {"month_days": [30, 31]}, False),
        ({"months": [2, 3]}, {"month_days": [30, 31]}, True),
        ({"month_days": [1]}, {"month_days": [2]}, False),
        ({"holiday": True}, {"holiday": False}, False),
        ({"holiday": True}, {"holiday": None}, True),
        ({"holiday": False}, {}, True),
    ],
)
def test_bands_of_equal_weight_must_not_overlap(
    one: Document, other: Document, is_refused: bool
) -> None:
    document = tariff(
        destination("39", band(step("1"), **one), band(step("2"), **other)), holidays="IT"
    )

    if is_refused:
        assert problem(document).startswith("destinations[0].bands[1]: overlaps bands[0]")
    else:
        parse_tariff(document)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{", "document: not JSON: "),
        (b"[]", "document: must be a JSON object"),
        (b"\xff\xfe{}", "document: not UTF-8 text"),
        (b'{"name": "a", "name": "b"}', "document: key 'name' stands twice"),
        (b'{"price": NaN}', "document: NaN is not a number"),
        (b'{"price": 0.1000000000000000055511}', "document: 0.1000000000000000055511 is too fine"),
        (b"[" * 100_000, "document: "),
    ],
)
def test_a_file_that_would_lose_something_is_refused(content: bytes, expected: str) -> None:
    with pytest.raises(InvalidTariff) as refusal:
        read_document(content)

    assert refusal.value.problems[0].startswith(expected)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert read_document(b"\xef\xbb\xbf" + EXAMPLE.encode()) == example()


def test_the_hash_is_of_the_content_not_of_the_order_of_keys() -> None:
    turned = dict(reversed(example().items()))

    assert document_hash(turned) == document_hash(example())
    assert document_hash(changed("currency", "CHF")) != document_hash(example())


def test_the_page_shows_the_document_that_works() -> None:
    page = Path(__file__).parents[2] / "docs" / "tariffs.md"
    text = page.read_text(encoding="utf-8")
    block = text.split("```json\n", 1)[1].split("```", 1)[0]

    parse_tariff(read_document(block.encode()))
