"""People from a file: made, changed on a day, left alone, or refused with a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries

from directory.models import (
    Line,
    LineHolding,
    Membership,
    OrgUnit,
    Role,
    Supervision,
    UnitKind,
    User,
)
from directory.operations.people import import_people
from directory.operations.people_report import PeopleReport
from directory.queries.payers import PayerBook
from tests.support.people import NOW, line, member, site, unit, user

pytestmark = pytest.mark.django_db
LATER = datetime(2026, 8, 1, 9, tzinfo=UTC)


def take(*rows: str, header: str, at: datetime = NOW, is_dry_run: bool = False) -> PeopleReport:
    """Import these rows of a comma separated file."""
    content = "\n".join([header, *rows]).encode()
    return import_people(content=content, at=at, is_dry_run=is_dry_run)


def everything() -> dict[str, list[Any]]:
    """All rows that an import may touch."""
    return {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in (User, OrgUnit, Membership, Line, LineHolding, Supervision)
    }


def refusals(report: PeopleReport) -> list[tuple[int, str]]:
    return [(row.line, row.column) for row in report.refused]


FULL = (
    "username,first_name,last_name,email,language,time_zone,role,supervises,manager,department,"
    "cost_centre,office,site,partition,extension,valid_from,custom_1,custom_10"
)
MARIO = (
    "mario.rossi,Mario,Rossi,mario@example.com,it,Europe/Rome,user,,anna.bianchi,Sales/North,"
    "4711,Milan HQ,Milan,PT-Internal,201,,blue,ten"
)
ANNA = (
    "anna.bianchi,Anna,Bianchi,anna@example.com,en,,supervisor,"
    "department:Sales;4711,,Sales,4711,Milan HQ,Milan,PT-Internal,210,2026-03-01,,"
)


@pytest.mark.feature("F192")
def test_a_file_makes_people_with_their_units_lines_manager_and_scope() -> None:
    milan = site()

    report = take(MARIO, ANNA, header=FULL)

    assert report.is_clean
    mario, anna = (
        User.objects.get(username="mario.rossi"),
        User.objects.get(username="anna.bianchi"),
    )
    assert (mario.email, mario.language, mario.time_zone) == (
        "mario@example.com",
        "it",
        "Europe/Rome",
    )
    assert (mario.role, anna.role) == (Role.USER, Role.SUPERVISOR)
    assert mario.manager == anna
    assert (mario.custom_1, mario.custom_10) == ("blue", "ten")
    assert not mario.has_usable_password()
    membership = mario.memberships.get()
    assert membership.department is not None
    assert membership.department.path == "Sales/North"
    assert membership.department.parent == unit("Sales")
    assert membership.office is not None
    assert membership.office.site == milan
    assert (membership.valid_from, membership.valid_to) == (None, None)
    held = mario.holdings.get()
    assert str(held.line) == "Milan/PT-Internal/201"
    assert anna.holdings.get().valid_from == datetime(2026, 2, 28, 23, tzinfo=UTC)
    supervised = {(row.unit.kind, row.unit.path) for row in anna.supervisions.all()}
    assert supervised == {("DEPARTMENT", "Sales"), ("COST_CENTRE", "4711")}


def test_the_second_time_nothing_changes() -> None:
    site()
    take(MARIO, ANNA, header=FULL)
    before = everything()

    again = take(ANNA, MARIO, header=FULL, at=LATER)

    assert (again.new, again.changed, again.units_made) == ((), (), ())
    assert set(again.unchanged) == {"anna.bianchi", "mario.rossi"}
    assert everything() == before


def test_a_dry_run_tells_the_same_and_changes_nothing() -> None:
    site()
    take(ANNA, header=FULL)
    before = everything()
    changed = ANNA.replace("Bianchi", "Verdi").replace(",Sales,", ",Support,")

    told = take(changed, MARIO, header=FULL, is_dry_run=True)

    assert everything() == before
    done = take(changed, MARIO, header=FULL)
    assert (told.new, told.changed, told.units_made) == (done.new, done.changed, done.units_made)
    assert [person.username for person in done.new] == ["mario.rossi"]
    changes = {change.what: (change.old, change.new) for change in done.changed[0].changes}
    assert changes["last_name"] == ("Bianchi", "Verdi")
    assert changes["department"] == ("Sales", "Support")


def test_a_user_with_several_lines_has_several_rows() -> None:
    site()
    header = "username,department,site,partition,extension,valid_from"

    take("mario,Sales,Milan,PT-A,201,", "mario,,Milan,PT-B,201,2026-06-01", header=header)

    mario = User.objects.get()
    lines = {str(row.line): row.valid_from for row in mario.holdings.all()}
    assert lines == {
        "Milan/PT-A/201": None,
        "Milan/PT-B/201": datetime(2026, 5, 31, 22, tzinfo=UTC),
    }
    assert mario.memberships.count() == 1


def test_a_move_closes_the_old_membership_and_opens_a_new_one_on_that_day() -> None:
    site()
    header = "username,department,cost_centre,site,valid_from"
    take("mario,Sales,4711,Milan,", header=header)

    report = take("mario,Support,4711,Milan,2026-07-01", header=header)

    old, new = Membership.objects.order_by("pk")
    moved = datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert (old.valid_from, old.valid_to, new.valid_from, new.valid_to) == (
        None, moved, moved, None,
    )  # fmt: skip
    assert new.department == unit("Support")
    assert new.cost_centre == old.cost_centre == unit("4711", kind=UnitKind.COST_CENTRE)
    (change,) = report.changed[0].changes
    assert (change.what, change.old, change.new, change.since) == (
        "department", "Sales", "Support", moved,
    )  # fmt: skip


def test_a_move_without_a_day_counts_from_the_import() -> None:
    header = "username,department"
    take("mario,Sales", header=header)

    take("mario,Support", header=header, at=LATER)

    assert Membership.objects.get(valid_to=None).valid_from == LATER


def test_columns_that_the_file_has_not_are_left_alone() -> None:
    site()
    take(MARIO, ANNA, header=FULL)

    take("mario.rossi,Marius", header="username,first_name", at=LATER)

    mario = User.objects.get(username="mario.rossi")
    assert (mario.first_name, mario.last_name, mario.custom_1) == ("Marius", "Rossi", "blue")
    assert mario.manager is not None
    assert mario.memberships.count() == 1


def test_an_empty_cell_empties_but_never_the_role() -> None:
    header = "username,last_name,email,role,language,manager,department"
    take("boss,,,,,,", "mario,Rossi,m@example.com,auditor,it,boss,Sales", header=header)

    take("mario,Rossi,,,,,", header=header, at=LATER)

    mario = User.objects.get(username="mario")
    assert (mario.email, mario.manager, mario.role, mario.language) == (
        "", None, Role.AUDITOR, "it",
    )  # fmt: skip
    assert mario.memberships.get(valid_to=None).department is None


@pytest.mark.feature("F032")
def test_a_language_that_no_file_named_is_not_chosen_and_one_that_was_chosen_stays() -> None:
    take("mario,Rossi,", "anna,Bianchi,de", header="username,last_name,language")
    User.objects.filter(username="mario").update(language="fr")

    take("mario,Rossi,", "ben,Blu,", header="username,last_name,language", at=LATER)
    take("carl", header="username", at=LATER)

    assert dict(User.objects.values_list("username", "language")) == {
        "mario": "fr", "anna": "de", "ben": "", "carl": "",
    }  # fmt: skip


def test_a_line_passes_to_its_next_holder_on_the_day() -> None:
    milan = site()
    old = user("old")
    handed_over = line(milan, "201", old)

    take(
        "new,Milan,PT-Internal,201,2026-06-01",
        header="username,site,partition,extension,valid_from",
    )

    book = PayerBook(milan)
    june = datetime(2026, 5, 31, 22, tzinfo=UTC)
    before = book.find(partition="PT-Internal", extension="201", at=NOW)
    after = book.find(partition="PT-Internal", extension="201", at=june)
    assert (before.user_id, before.line_id) == (old.pk, handed_over.pk)
    assert after.user_id == User.objects.get(username="new").pk


def test_a_new_person_on_a_held_line_takes_it_over_at_the_import() -> None:
    milan = site()
    line(milan, "201", user("old"))

    take("new,Milan,PT-Internal,201", header="username,site,partition,extension")

    assert LineHolding.objects.get(valid_to=None).valid_from == NOW


def test_a_whole_history_may_stand_in_one_file_in_any_order() -> None:
    site()
    header = "username,department,site,partition,extension,valid_from"
    rows = (
        "anna,Lab,Milan,PT,201,2026-04-01",
        "mario,Support,Milan,PT,202,2026-04-01",
        "mario,Sales,Milan,PT,201,2026-01-01",
    )

    assert take(*rows, header=header).is_clean
    before = everything()
    assert take(*reversed(rows), header=header).changed == ()

    assert everything() == before
    holders = LineHolding.objects.filter(line__extension="201").order_by("valid_from")
    assert [row.user.username for row in holders] == ["mario", "anna"]
    assert [row.department.path for row in Membership.objects.filter(
        user__username="mario").order_by("valid_from") if row.department
    ] == ["Sales", "Support"]  # fmt: skip


def test_a_row_that_would_rewrite_history_is_refused() -> None:
    mario = user("mario")
    march = datetime(2026, 3, 1, tzinfo=UTC)
    member(mario, unit("Sales"), until=march)
    member(mario, unit("Support"), since=march)

    report = take("mario,Lab,2026-02-01", header="username,department,valid_from")

    assert refusals(report) == [(2, "valid_from")]
    assert "not rewritten" in report.refused[0].reason
    assert Membership.objects.count() == 2
    assert report.units_made == ()


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        ({"username": "", "last_name": "x"}, "username", "is empty"),
        ({"username": "mario rossi"}, "username", "may only hold"),
        ({"username": "x" * 151}, "username", "longer than 150"),
        ({"first_name": "x" * 200}, "first_name", "longer than 150"),
        ({"email": "no mail"}, "email", "no mail address"),
        ({"language": "klingon"}, "language", "not one of en, de"),
        ({"time_zone": "Moon/Base"}, "time_zone", "no time zone"),
        ({"role": "king"}, "role", "not one of user, supervisor"),
        ({"role": "user", "supervises": "department:Sales"}, "supervises", "role is user"),
        ({"supervises": "Nowhere"}, "supervises", "no unit 'Nowhere'"),
        ({"supervises": "department:"}, "supervises", "names no unit"),
        ({"manager": "nobody"}, "manager", "no user 'nobody'"),
        ({"manager": "mario"}, "manager", "his own manager"),
        ({"department": "Sales//North"}, "department", "empty part"),
        ({"office": "x" * 101}, "office", "longer than 100"),
        ({"site": "Atlantis"}, "site", "no site 'Atlantis'; known: Milan"),
        ({"site": "Milan", "extension": "2 01"}, "extension", "no extension"),
        ({"site": "Milan", "extension": "2" * 51}, "extension", "longer than 50"),
        ({"site": "Milan", "partition": "PT"}, "extension", "a partition is given"),
        ({"valid_from": "31.12.2026"}, "valid_from", "no date"),
        ({"valid_from": "2026-02-30"}, "valid_from", "no date"),
        ({"valid_from": "0026-02-28"}, "valid_from", "no date"),
        ({"valid_from": "0001-01-01T00:00:00+05:00"}, "valid_from", "no date"),
    ],
)
def test_a_bad_cell_is_named_and_costs_its_neighbours_nothing(
    row: dict[str, str], column: str, words: str
) -> None:
    site()
    columns = ["username", *(key for key in row if key != "username")]
    bad = ",".join({"username": "mario", **row}[key] for key in columns)
    good = ",".join("good" if key == "username" else "" for key in columns)

    report = take(bad, good, header=",".join(columns))

    assert refusals(report) == [(2, column)]
    assert words in report.refused[0].reason
    assert [user.username for user in User.objects.all()] == ["good"]
    assert not Line.objects.exists()
    assert not OrgUnit.objects.exists()


def test_every_bad_cell_of_a_row_is_named() -> None:
    report = take("mario,x,y", header="username,email,language")

    assert refusals(report) == [(2, "email"), (2, "language")]


def test_an_extension_without_a_site_needs_an_only_site() -> None:
    site()
    assert take("mario,201", header="username,extension").is_clean
    assert str(Line.objects.get()) == "Milan//201"

    site("Rome")
    assert refusals(take("anna,202", header="username,extension")) == [(2, "site")]


def test_two_rows_that_want_one_line_on_one_day_cannot_both_have_it() -> None:
    site()
    header = "username,site,partition,extension,valid_from"

    report = take("mario,Milan,PT,201,", "anna,Milan,PT,201,", "mario,Milan,PT,201,", header=header)

    assert refusals(report) == [(3, "extension"), (4, "extension")]
    assert "given to mario in line 2" in report.refused[0].reason
    assert [row.user.username for row in LineHolding.objects.all()] == ["mario"]
    assert not User.objects.filter(username="anna").exists()


def test_rows_of_one_user_that_contradict_each_other_are_refused() -> None:
    report = take(
        "mario,m@example.com,Sales",
        "mario,other@example.com,",
        "mario,,Support",
        header="username,email,department",
    )

    assert refusals(report) == [(3, "email"), (4, "department")]
    assert "line 2 says 'm@example.com'" in report.refused[0].reason
    assert User.objects.get().email == "m@example.com"


def test_who_depends_on_a_refused_manager_is_refused_too() -> None:
    report = take(
        "top,,bad mail", "middle,top,", "low,middle,", "free,,", header="username,manager,email"
    )

    assert refusals(report) == [(2, "email"), (3, "manager"), (4, "manager")]
    assert [user.username for user in User.objects.all()] == ["free"]


def test_a_username_that_differs_only_in_case_is_refused() -> None:
    user("mario")

    report = take("Mario", "anna", "ANNA", header="username")

    assert refusals(report) == [(2, "username"), (4, "username")]
    assert "written 'mario' elsewhere" in report.refused[0].reason


def test_a_bare_unit_that_could_be_two_is_refused_with_the_way_out() -> None:
    unit("Sales")
    unit("Sales", kind=UnitKind.OFFICE)

    report = take("chief,supervisor,Sales", header="username,role,supervises")

    assert refusals(report) == [(2, "supervises")]
    assert "write one of department:Sales, office:Sales" in report.refused[0].reason


def test_supervised_units_are_exactly_those_of_the_file() -> None:
    header = "username,role,supervises"
    take("chief,supervisor,department:A;office:B", header=header)

    report = take("chief,supervisor,department:C", header=header, at=LATER)

    assert [str(row.unit) for row in Supervision.objects.all()] == ["C"]
    (change,) = report.changed[0].changes
    assert (change.old, change.new) == ("department:A; office:B", "department:C")


def test_deputies_are_none_of_the_files_business() -> None:
    header = "username,role,supervises"
    take("chief,supervisor,department:A", header=header)
    chief = User.objects.get(username="chief")
    chief.supervisions.create(unit=unit("B"), valid_from=LATER, valid_to=LATER + timedelta(days=7))

    take("chief,supervisor,department:C", header=header, at=LATER)

    assert sorted(str(row.unit) for row in Supervision.objects.all()) == ["B", "C"]


def test_hostile_names_are_stored_as_they_are() -> None:
    names = [
        'Robert"); DROP TABLE users;--',
        "=cmd|' /C calc'!A0",
        "\u202eevil",
        "<script>",
        "O'Neil",
    ]
    rows = [f'user{number},"{name.replace(chr(34), chr(34) * 2)}"' for number, name in enumerate(names)]  # fmt: skip

    report = take(*rows, header="username,last_name")

    stored = list(User.objects.order_by("username").values_list("last_name", flat=True))
    assert report.is_clean
    assert stored == names


def test_an_office_keeps_the_site_it_has() -> None:
    rome = site("Rome")
    site()
    unit("HQ", kind=UnitKind.OFFICE, site=rome)

    take("mario,HQ,Milan", "anna,Branch,Milan", header="username,office,site")

    places = dict(OrgUnit.objects.values_list("path", "site__name"))
    assert places == {"HQ": "Rome", "Branch": "Milan"}


def test_a_user_without_a_line_is_stored() -> None:
    site()

    assert take("mario,Milan,,", header="username,site,partition,extension").is_clean
    assert not Line.objects.exists()


def test_many_people_cost_few_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    site()
    rows = [
        f"user{number},First{number},user0,Sales/{number % 5},Milan,PT,{2000 + number}"
        for number in range(400)
    ]
    header = "username,first_name,manager,department,site,partition,extension"
    rows[0] = rows[0].replace(",user0,", ",,")

    with django_assert_max_num_queries(60):
        assert take(*rows, header=header).is_clean


# --- The command ----------------------------------------------------------------------------------


def run(path: Path, *flags: str) -> str:
    out = StringIO()
    call_command("import_people", str(path), *flags, stdout=out)
    return out.getvalue()


def test_the_command_says_what_it_did_and_what_it_refused(tmp_path: Path) -> None:
    site()
    path = tmp_path / "people.csv"
    path.write_text("username,department,email\nmario,Sales,\nanna,,broken\n", encoding="utf-8")
    out = StringIO()

    with pytest.raises(CommandError, match="1 row was refused; the others are stored"):
        call_command("import_people", str(path), stdout=out)

    assert "new       mario (line 2): department Sales" in out.getvalue()
    assert "refused   line 3, column email: 'broken' is no mail address" in out.getvalue()
    assert "people.csv: 1 people, of whom 1 were made" in out.getvalue()
    assert User.objects.count() == 1


def test_the_command_for_machines_and_its_dry_run(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("username,department\nmario,Sales\n", encoding="utf-8")

    told = json.loads(run(path, "--json", "--dry-run"))

    assert told == {
        "ok": True,
        "dry_run": True,
        "new": [
            {
                "username": "mario",
                "line": 2,
                "changes": [{"what": "department", "old": "", "new": "Sales", "since": None}],
            }
        ],
        "changed": [],
        "unchanged": [],
        "refused": [],
        "units": ["department:Sales"],
    }
    assert "Dry run: nothing was changed." in run(path, "--dry-run")
    assert not User.objects.exists()


def test_a_missing_or_broken_file_is_one_clear_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"name\nmario\n")

    with pytest.raises(CommandError, match="No such file"):
        run(tmp_path / "missing.csv")
    with pytest.raises(CommandError, match=r"broken\.csv: line 1: the header has no column"):
        run(broken)


@pytest.mark.feature("F038")
def test_a_role_taken_away_takes_its_rights_along() -> None:
    User.objects.create(username="root", role=Role.ADMIN, is_staff=True, is_superuser=True)

    take("root,user", header="username,role")

    demoted = User.objects.get(username="root")
    assert (demoted.role, demoted.is_staff, demoted.is_superuser) == (Role.USER, False, False)
