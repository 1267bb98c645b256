"""The people file: what spreadsheets make of a table."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from directory.engine.people_file import COLUMNS, InvalidPeopleFile, read_people_file
from directory.engine.unit_paths import BadPath, clean_path, parse_reference


@pytest.mark.parametrize(
    "content",
    [
        b"username,first_name\nzoe,Zo\xc3\xab\n",
        b"\xef\xbb\xbfusername,first_name\r\nzoe,Zo\xc3\xab\r\n",
        b"username;first_name\nzoe;Zo\xc3\xab\n",
        b"username\tfirst_name\nzoe\tZo\xc3\xab\n",
        "username,first_name\nzoe,Zoë\n".encode("utf-16"),
        "username;first_name\r\nzoe;Zoë\r\n".encode("cp1252"),
        b'\n\n"User name","First-Name",\n\n"zoe"," Zo\xc3\xab ",\n\n',
    ],
)
def test_spreadsheet_files_read_alike(content: bytes) -> None:
    content = content.replace(b"User name", b"Username")

    (row,) = read_people_file(content).rows

    assert dict(row.cells) == {"username": "zoe", "first_name": "Zoë"}


def test_rows_are_named_by_their_line_in_the_file() -> None:
    file = read_people_file(b'username,custom_1\na,"x"\n\nb,y\nc,"1,2",3\n')

    assert [row.line for row in file.rows] == [2, 4]
    assert [(row.line, str(row.reason)) for row in file.refused] == [
        (5, "has 3 cells, the header has 2")
    ]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (b"a\x00b", "control character (U+0000)"),
        (b'"a\nb"', "control character (U+000A)"),
        (b"a\xe2\x80\xaeb\x1b", "control character (U+001B)"),
        (b"a\xef\xbf\xbdb", "could not be read"),
    ],
)
def test_a_cell_with_what_nobody_types_refuses_its_row_alone(cell: bytes, reason: str) -> None:
    file = read_people_file(b"username,first_name\nbad," + cell + b"\ngood,Zo\n")

    assert [row.cells["username"] for row in file.rows] == ["good"]
    assert reason in str(file.refused[0].reason)
    assert file.refused[0].column == "first_name"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no column username"),
        (b"name,first_name\na,b\n", "line 1: the header has no column username"),
        (b"username,departement\na,b\n", "line 1, column departement: no such column"),
        (b"username,email,email\n", "line 1, column email: stands twice"),
        (b"username,,email\n", "column #2: no such column"),
        (b'username,email\nmario,"oops\nanna,x\n', "line 2: "),
        (b"\xff\xfea", "UTF-16"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_says_where(content: bytes, words: str) -> None:
    with pytest.raises(InvalidPeopleFile, match=words):
        read_people_file(content)


@given(content=st.binary(max_size=300))
@settings(max_examples=300)
def test_no_bytes_break_the_reader(content: bytes) -> None:
    try:
        file = read_people_file(b"username,email\n" + content)
    except InvalidPeopleFile:
        return

    assert all(set(row.cells) == {"username", "email"} for row in file.rows)


def test_the_columns_are_those_of_the_published_file() -> None:
    assert COLUMNS[:16] == (
        "username", "first_name", "last_name", "email", "language", "time_zone", "role",
        "supervises", "manager", "department", "cost_centre", "office", "site", "partition",
        "extension", "valid_from",
    )  # fmt: skip
    assert COLUMNS[16:] == tuple(f"custom_{number}" for number in range(1, 11))


def test_unit_paths_are_trimmed_and_checked() -> None:
    assert clean_path(" Sales /  North ") == "Sales/North"
    assert clean_path("  ") == ""
    for bad in ("/", "Sales/", "a//b", "x" * 101, "/".join("abcdefghijklmnopq")):
        with pytest.raises(BadPath):
            clean_path(bad)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("department:Sales/North", ("DEPARTMENT", "Sales/North")),
        ("cost_centre:4711", ("COST_CENTRE", "4711")),
        ("Cost Centre: 4711", ("COST_CENTRE", "4711")),
        ("office:Milan", ("OFFICE", "Milan")),
        ("Sales", ("", "Sales")),
        ("R&D: Lab", ("", "R&D: Lab")),
    ],
)
def test_a_unit_is_named_with_or_without_its_kind(text: str, reference: tuple[str, str]) -> None:
    assert parse_reference(text) == reference
