"""Lists as files for spreadsheets: what parts the cells, and that none of them reckons."""

from __future__ import annotations

import io

from django.utils import translation
from openpyxl import load_workbook

from directory.spreadsheets import csv_file, harmless, xlsx_file


def test_a_cell_is_never_a_formula_and_the_language_parts_the_columns() -> None:
    with translation.override("de"):
        file = csv_file(["=HEAD"], [["=1+1", "-39"], ["@x", 5]])

    assert file.decode("utf-8-sig") == "'=HEAD\r\n'=1+1;'-39\r\n'@x;5\r\n"


def test_a_number_keeps_its_plus_masked_or_not() -> None:
    assert harmless("+39026677****") == "+39026677****"
    assert harmless("+390266771234") == "+390266771234"
    assert harmless("+1*2") == "'+1*2"


def test_a_workbook_has_texts_as_they_are() -> None:
    file = xlsx_file(["Name"], [["'t Hooft"], ["=1+1"]], name="People")

    sheet = load_workbook(io.BytesIO(file)).active
    assert sheet is not None
    assert [cell.value for cell in sheet["A"]] == ["Name", "'t Hooft", "=1+1"]
    assert {cell.data_type for cell in sheet["A"]} == {"s"}
