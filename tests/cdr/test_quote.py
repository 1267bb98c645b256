"""The commands quote, import_tariff and export_tariff, as people and scripts use them."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cdr.models import Tariff, TariffVersion
from cdr.queries.tariffs import compiled_version, newest_version_id
from tests.support.tariffs import Document, band, destination, step, tariff

pytestmark = pytest.mark.feature("F005")

AT = "2026-03-04T10:00:00+01:00"


def acme() -> Document:
    """The tariff of the published example."""
    page = Path(__file__).parents[2] / "docs" / "tariffs.md"
    block = page.read_text(encoding="utf-8").split("```json\n", 1)[1].split("```", 1)[0]
    made: Document = json.loads(block)
    return made


def write(folder: Path, document: Document, name: str = "acme.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def run(command: str, *arguments: Any, **options: Any) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out, **options)
    return out.getvalue()


def quote(*arguments: Any) -> dict[str, Any]:
    """The answer of `quote --json`."""
    answer: dict[str, Any] = json.loads(run("quote", "--json", *(str(each) for each in arguments)))
    return answer


def test_a_quote_from_a_file_needs_no_database(tmp_path: Path) -> None:
    path = write(tmp_path, acme())

    answer = quote("--number", "+39 02 1234567", "--seconds", 60, "--at", AT, "--tariff-file", path)

    assert answer["status"] == "rated"
    assert (answer["cost"], answer["currency"], answer["billed_seconds"]) == ("0.15", "EUR", 60)
    assert answer["prefix"] == "39"
    assert [line["kind"] for line in answer["explanation"]] == [
        "prefix", "band", "fee", "step", "sum", "rounding",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "number", ["+39021234567", "39021234567", "0039021234567", "+39 02-123.45 67"]
)
def test_the_number_is_understood_however_it_is_written(tmp_path: Path, number: str) -> None:
    path = write(tmp_path, acme())

    answer = quote("--number", number, "--seconds", 61, "--at", AT, "--tariff-file", path)

    assert (answer["number"], answer["cost"]) == ("39021234567", "0.158")


def test_a_tariff_with_prefixes_in_00_keeps_them(tmp_path: Path) -> None:
    rows = (destination("0", band(step("1"))), destination("00", band(step("2"))))
    path = write(tmp_path, tariff(*rows))

    assert quote("--number", "00123", "--seconds", 1, "--tariff-file", path)["cost"] == "2"
    assert quote("--number", "0123", "--seconds", 1, "--tariff-file", path)["cost"] == "1"


def test_fractions_of_a_second_count(tmp_path: Path) -> None:
    path = write(tmp_path, tariff(destination("39", band(step("0.60", "0.5")))))

    answer = quote("--number", "391", "--seconds", "60.2", "--tariff-file", path)

    assert (answer["billed_seconds"], answer["cost"]) == (60.5, "0.605")


def test_what_is_not_rated_says_why_and_has_no_cost(tmp_path: Path) -> None:
    path = write(tmp_path, acme())

    answer = quote("--number", "+4420", "--seconds", 60, "--at", AT, "--tariff-file", path)

    assert (answer["status"], answer["cost"], answer["reason"]) == ("unrated", None, "no_prefix")


def test_credit_asks_for_the_longest_call(tmp_path: Path) -> None:
    path = write(tmp_path, tariff(destination("39", band(step("0.10"), connect_fee="0.05"))))

    allowed = quote("--number", "391", "--credit", "1.00", "--tariff-file", path)
    refused = quote("--number", "391", "--credit", "0.12", "--tariff-file", path)
    short = quote("--number", "391", "--credit", 50, "--max-seconds", 3600, "--tariff-file", path)

    assert (allowed["status"], allowed["max_seconds"], allowed["cost"]) == ("allowed", 540, "0.95")
    assert (refused["status"], refused["reason"]) == ("refused", "insufficient_credit")
    assert (short["max_seconds"], short["cost"]) == (3600, "6.05")


def test_no_limit_is_null(tmp_path: Path) -> None:
    path = write(tmp_path, tariff(destination("39", band(step("0")))))

    answer = quote("--number", "391", "--credit", "0", "--tariff-file", path)

    assert (answer["status"], answer["max_seconds"], answer["cost"]) == ("allowed", None, "0")


def test_rounding_none_gives_the_exact_amount(tmp_path: Path) -> None:
    exact = tariff(
        destination("39", band(step("0.00000012", 60))), rounding={"mode": "none", "decimals": 4}
    )
    third = tariff(destination("39", band(step("0.07", 1))), rounding={"mode": "none"})

    ends = quote("--number", "391", "--seconds", 1, "--tariff-file", write(tmp_path, exact))
    endless = quote("--number", "391", "--seconds", 130, "--tariff-file", write(tmp_path, third))

    assert ends["cost"] == "0.00000012"
    assert (endless["cost"], endless["exact_cost"]) == ("0.1516666666666666666666666667", "91/600")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--number", "391"], "give --seconds, or --credit"),
        (["--number", "391x", "--seconds", "1"], "'391x' is not a telephone number"),
        (["--number", "", "--seconds", "1"], "is not a telephone number"),
        (["--number", "391", "--seconds", "-1"], "seconds go from 0"),
        (["--number", "391", "--seconds", "1.0001"], "finer than a millisecond"),
        (["--number", "391", "--seconds", "1", "--at", "noon"], "'noon' is not an ISO 8601 time"),
        (["--number", "391", "--credit", "much"], "'much' is not an amount"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    tmp_path: Path, arguments: list[str], expected: str
) -> None:
    path = write(tmp_path, acme())

    with pytest.raises(CommandError, match=expected):
        run("quote", *arguments, "--tariff-file", str(path))


def test_a_file_that_is_no_tariff_is_refused_with_its_place(tmp_path: Path) -> None:
    broken = acme()
    broken["destinations"][0]["bands"][0]["from"] = "8:00"
    path = write(tmp_path, broken)

    with pytest.raises(CommandError, match=r"destinations\[0\]\.bands\[0\]\.from: must be HH:MM"):
        run("quote", "--number", "391", "--seconds", "1", "--tariff-file", str(path))
    with pytest.raises(CommandError, match="No such file"):
        run("quote", "--number", "391", "--seconds", "1", "--tariff-file", str(tmp_path / "none"))


def test_people_read_the_receipt_line_by_line(tmp_path: Path) -> None:
    path = write(tmp_path, acme())

    text = run(
        "quote", "--number", "+3902", "--seconds", "61", "--at", AT, "--tariff-file", str(path)
    )

    assert text.splitlines()[0] == "3902 (Italy): 0.158 EUR for 66 billed seconds"
    assert "from second 60: 1 x 6 s = 6 s at 0.08 EUR per 60 s = 0.008" in text


# --- Stored tariffs ---------------------------------------------------------------------------------


@pytest.mark.django_db
def test_import_then_export_gives_the_same_document(tmp_path: Path) -> None:
    document = acme() | {"destinations": [*acme()["destinations"], {"prefix": "44", "bands": [{"steps": [{"price": 0.1, "increment_seconds": 0.5}]}]}]}  # fmt: skip

    run("import_tariff", str(write(tmp_path, document)))
    run("export_tariff", "Acme national 2026", str(tmp_path / "out.json"))

    assert json.loads((tmp_path / "out.json").read_text()) == document
    assert json.loads(run("export_tariff")) == document


@pytest.mark.django_db
def test_the_same_content_again_makes_no_version_and_an_older_one_does(tmp_path: Path) -> None:
    first, second = acme(), acme() | {"band_rule": "split"}

    said = [
        run("import_tariff", str(write(tmp_path, each))) for each in (first, first, second, first)
    ]

    assert [version.number for version in TariffVersion.objects.order_by("number")] == [1, 2, 3]
    assert "is now version 1" in said[0]
    assert "equals version 1: nothing to do" in said[1]
    assert "is now version 3" in said[3]


@pytest.mark.django_db
def test_a_dry_run_keeps_nothing(tmp_path: Path) -> None:
    said = run("import_tariff", str(write(tmp_path, acme())), "--dry-run")

    assert "would become version 1" in said
    assert not Tariff.objects.exists()


@pytest.mark.django_db
def test_a_tariff_keeps_its_currency(tmp_path: Path) -> None:
    run("import_tariff", str(write(tmp_path, acme())))

    with pytest.raises(CommandError, match="is in EUR; a version in CHF needs"):
        run("import_tariff", str(write(tmp_path, acme() | {"currency": "CHF"})))


@pytest.mark.django_db
def test_quote_takes_the_newest_version_of_the_only_tariff(tmp_path: Path) -> None:
    run("import_tariff", str(write(tmp_path, tariff(destination("39", band(step("1")))))))
    run("import_tariff", str(write(tmp_path, tariff(destination("39", band(step("2")))))))

    assert quote("--number", "391", "--seconds", 60)["cost"] == "2"
    assert quote("--number", "391", "--seconds", 60, "--tariff", "Test")["cost"] == "2"


@pytest.mark.django_db
def test_quote_asks_which_tariff_where_there_are_several(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no tariff yet"):
        run("quote", "--number", "391", "--seconds", "60")
    for name in ("One", "Two"):
        run("import_tariff", str(write(tmp_path, tariff(name=name))))

    with pytest.raises(CommandError, match="say which tariff; there are: One, Two"):
        run("quote", "--number", "391", "--seconds", "60")
    with pytest.raises(CommandError, match="no tariff is called 'Three'; there are: One, Two"):
        run("quote", "--number", "391", "--seconds", "60", "--tariff", "Three")


@pytest.mark.django_db
def test_a_version_is_read_and_compiled_once(
    tmp_path: Path, django_assert_num_queries: Any
) -> None:
    run("import_tariff", str(write(tmp_path, acme())))
    version_id = newest_version_id(Tariff.objects.get().pk)
    assert version_id is not None
    first = compiled_version(version_id)

    with django_assert_num_queries(1):
        again = compiled_version(version_id)

    assert again is first
