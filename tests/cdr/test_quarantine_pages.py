"""The quarantine's pages: found, looked at field by field, mended, replayed, closed, in bulk."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from cdr.drivers.cucm_columns import COLUMNS
from cdr.models import Call, Delivery, Outcome, OutcomeKind, QuarantinedRecord, Source
from cdr.queries.raw_fields import raw_fields, with_fields
from cdr.words import SET_ASIDE
from directory.models import Role, Site, User
from kernel.clock import now

pytestmark = [pytest.mark.django_db, pytest.mark.feature("F003")]


@pytest.fixture
def admin() -> Client:
    client = Client()
    user = User.objects.create_user(username="root", role=Role.ADMIN)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def delivery() -> Delivery:
    site = Site.objects.create(
        name="Milan", country="IT", time_zone="Europe/Rome", extension_patterns=["2XX"]
    )
    source = Source.objects.create(name="milan", site=site, driver="cucm")
    return Delivery.objects.create(
        claim="c", source=source, name="cdr_1", content_hash="0", sequence="1", received_at=now()
    )


def line_of(**cells: object) -> str:
    """A CUCM line: an answered call from 201 an hour ago, with `cells` changed."""
    begin = int((now() - timedelta(hours=1)).timestamp())
    values: dict[str, object] = {
        "cdrRecordType": 1,
        "globalCallID_callManagerId": 1,
        "globalCallID_callId": 42,
        "origLegCallIdentifier": 100,
        "destLegIdentifier": 101,
        "dateTimeOrigination": begin,
        "dateTimeConnect": begin + 5,
        "dateTimeDisconnect": begin + 65,
        "callingPartyNumber": "201",
        "originalCalledPartyNumber": "202",
        "finalCalledPartyNumber": "202",
        "duration": 60,
    }
    values |= cells
    return ",".join(str(values.get(name, "")) for name in COLUMNS)


def put(
    delivery: Delivery, raw: str, *, position: int = 3, reason: str = "bad_field", detail: str = ""
) -> QuarantinedRecord:
    Outcome.objects.create(
        delivery=delivery,
        position=position,
        kind=OutcomeKind.QUARANTINED,
        reason=reason,
        content_hash=str(position),
    )
    return QuarantinedRecord.objects.create(
        delivery=delivery,
        position=position,
        reason=reason,
        detail=detail or f"line {position}: dateTimeOrigination is 'x', not seconds since 1970",
        raw=raw,
        set_aside_at=now(),
    )


def words_of(answer: Any) -> str:
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", unescape(text))


# --- field by field -------------------------------------------------------------------------------


def test_the_field_that_the_reason_names_is_marked(delivery: Delivery) -> None:
    record = put(delivery, line_of(dateTimeOrigination="x"))

    fields = {field.name: field for field in raw_fields(record)}

    assert [name for name, field in fields.items() if field.is_at_fault] == ["dateTimeOrigination"]
    assert fields["dateTimeOrigination"].value == "x"
    assert fields["dateTimeConnect"].means is not None
    assert fields["callingPartyNumber"].is_read
    assert not fields["origRSVPAudioStat"].is_read


def test_times_that_cannot_be_true_are_marked_together(delivery: Delivery) -> None:
    record = put(delivery, line_of(dateTimeDisconnect=1), reason="implausible", detail="ends early")

    marked = {field.name for field in raw_fields(record) if field.is_at_fault}

    assert marked == {"dateTimeOrigination", "dateTimeConnect", "dateTimeDisconnect"}


def test_a_standard_record_is_shown_by_its_own_names(delivery: Delivery) -> None:
    record = put(
        delivery,
        '{"call_id": "1", "origin": {"number": "201"}, "started_at": "x"}',
        reason="future",
    )

    fields = {field.name: field for field in raw_fields(record)}

    assert fields["origin.number"].value == "201"
    assert fields["started_at"].is_at_fault


@pytest.mark.parametrize("raw", ["", "{", '"', "a;b", "1,2,3", "\x01"])
def test_text_that_is_no_record_is_shown_and_breaks_nothing(
    delivery: Delivery, admin: Client, raw: str
) -> None:
    record = put(delivery, raw)

    assert admin.get(f"/quarantine/{record.pk}/").status_code == 200


def test_a_mended_field_changes_nothing_else_of_the_line(delivery: Delivery) -> None:
    record = put(delivery, line_of(dateTimeOrigination="x", origDeviceName='"Hall, left"'))
    place = COLUMNS.index("dateTimeOrigination")

    mended = with_fields(record, {place: "1700000000", 9_999: "never"})

    before, after = (
        [value for value in record.raw.split(",") if value != "x"],
        [value for value in mended.split(",") if value != "1700000000"],
    )
    assert before == after


# --- one record -----------------------------------------------------------------------------------


def test_a_field_is_mended_and_what_the_record_became_is_shown(
    delivery: Delivery, admin: Client
) -> None:
    record = put(delivery, line_of(dateTimeOrigination="x"))
    place = COLUMNS.index("dateTimeOrigination")
    page = admin.get(f"/quarantine/{record.pk}/")
    assert f'name="field-{place}"' in page.content.decode()

    begin = int((now() - timedelta(hours=1)).timestamp())
    answer = admin.post(
        f"/quarantine/{record.pk}/replay/", {f"field-{place}": str(begin)}, follow=True
    )

    call = Call.objects.get()
    text = words_of(answer)
    assert answer.redirect_chain[-1][0] == f"/quarantine/{record.pk}/"
    assert "It became stored" in text
    assert f"/calls/{call.pk}/" in answer.content.decode()
    assert f"/quarantine/{record.pk}/replay/" not in answer.content.decode()


def test_a_record_that_is_still_wrong_says_why_and_stays(delivery: Delivery, admin: Client) -> None:
    record = put(delivery, line_of(dateTimeOrigination="x"))

    answer = admin.post(f"/quarantine/{record.pk}/replay/", {"raw": record.raw}, follow=True)

    record.refresh_from_db()
    assert record.state == "OPEN"
    assert "A value cannot be read: " in words_of(answer)
    assert "not seconds since 1970" in words_of(answer)


# --- the list -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 3),
        ("?reason=future", 1),
        ("?file=cdr_", 3),
        ("?file=other", 0),
        ("?source=milan", 3),
        ("?state=CLOSED", 0),
        ("?state=ALL&reason=bad_field", 2),
        ("?state=nonsense", 3),
    ],
)
def test_the_list_is_narrowed(delivery: Delivery, admin: Client, query: str, found: int) -> None:
    for position, reason in enumerate(("bad_field", "bad_field", "future")):
        put(delivery, "x", position=position, reason=reason)

    answer = admin.get(f"/quarantine/{query}")

    assert len(answer.context["rows"]) == found
    if not found:
        assert "No record matches" in words_of(answer)


def test_reasons_are_told_in_the_readers_words(delivery: Delivery, admin: Client) -> None:
    record = put(delivery, "x", reason="too_old")
    User.objects.filter(role=Role.ADMIN).update(language="de")

    listed = words_of(admin.get("/quarantine/"))
    told = words_of(admin.get(f"/quarantine/{record.pk}/"))

    assert "Der Anruf ist älter, als Anrufe aufbewahrt werden" in listed
    assert "Der Anruf ist älter, als Anrufe aufbewahrt werden" in told


def test_each_reason_that_drivers_and_rules_give_has_words() -> None:
    home = Path(settings.BASE_DIR, "cdr")
    texts = [path.read_text(encoding="utf-8") for path in home.rglob("*.py")]
    given = r"(?:Unusable|_BadField)\(\"(\w+)\"|RejectedLine\([\w. +]+, \"(\w+)\""
    codes = {next(filter(None, found)) for text in texts for found in re.findall(given, text)}

    assert len(codes) > 10
    assert codes - set(SET_ASIDE) == set()


def test_an_empty_quarantine_says_that_nothing_is_wrong(admin: Client) -> None:
    assert "Every record could be used" in words_of(admin.get("/quarantine/"))


def test_many_are_asked_about_before_anything_is_done(delivery: Delivery, admin: Client) -> None:
    records = [put(delivery, "x", position=position) for position in range(3)]
    ticked = [record.pk for record in records]

    asked = admin.post("/quarantine/many/", {"action": "close", "record": ticked})
    text = words_of(asked)
    without = admin.post(
        "/quarantine/many/", {"action": "close", "record": ticked, "confirmed": "1"}
    )

    assert "Close 3 records?" in text
    assert "nobody is asked about them again" in text
    assert without.status_code == 200
    assert set(QuarantinedRecord.objects.values_list("state", flat=True)) == {"OPEN"}


def test_many_are_closed_for_one_reason(delivery: Delivery, admin: Client) -> None:
    records = [put(delivery, "x", position=position) for position in range(3)]

    answer = admin.post(
        "/quarantine/many/",
        {
            "action": "close",
            "record": [record.pk for record in records[:2]],
            "confirmed": "1",
            "reason": "test calls",
        },
        follow=True,
    )

    closed = QuarantinedRecord.objects.filter(state="CLOSED")
    assert set(closed.values_list("settled_reason", "settled_by")) == {("test calls", "root")}
    assert closed.count() == 2
    assert "2 records were closed." in words_of(answer)


def test_many_are_replayed_and_the_refused_stay_with_the_reason(
    delivery: Delivery, admin: Client
) -> None:
    good = put(delivery, line_of(), position=1)
    bad = put(delivery, line_of(dateTimeOrigination="x"), position=2)

    answer = admin.post(
        "/quarantine/many/",
        {"action": "replay", "record": [good.pk, bad.pk, 999_999], "confirmed": "1"},
        follow=True,
    )

    text = words_of(answer)
    assert Call.objects.count() == 1
    assert "1 record was replayed." in text
    assert "1 record stays as it was" in text
    assert "not seconds since 1970" in text
    bad.refresh_from_db()
    assert bad.state == "OPEN"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"action": "replay"},
        {"action": "burn", "record": ["1"]},
        {"action": "close", "record": ["x; DROP TABLE"]},
    ],
)
def test_nothing_ticked_or_nonsense_changes_nothing(
    delivery: Delivery, admin: Client, data: dict[str, Any]
) -> None:
    put(delivery, "x")

    answer = admin.post("/quarantine/many/", data, follow=True)

    assert "Tick at least one record" in words_of(answer)
    assert QuarantinedRecord.objects.get().state == "OPEN"


@pytest.mark.parametrize("role", [Role.USER, Role.SUPERVISOR, Role.AUDITOR])
def test_nobody_else_settles_records(delivery: Delivery, role: str) -> None:
    record = put(delivery, line_of())
    client = Client()
    user = User.objects.create_user(username="somebody", role=role)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")

    answer = client.post(
        "/quarantine/many/", {"action": "replay", "record": [record.pk], "confirmed": "1"}
    )

    assert answer.status_code == 403
    assert Call.objects.count() == 0


# --- a line that is not whole ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        (
            "line 3: 40 fields where the column names are 129",
            "The line itself is cut short: it has 40 of 129 fields.",
        ),
        (
            "line 3: 40 fields where the column names are 20",
            "The line has 40 fields, and its file has names for 20.",
        ),
        (
            "line 3: 40 fields and no column names; set the source's option columns",
            "The line has 40 fields, which fits no file of this telephone system.",
        ),
    ],
)
def test_a_line_that_is_cut_short_is_not_the_fault_of_the_options(
    delivery: Delivery, admin: Client, detail: str, told: str
) -> None:
    cut = ",".join(line_of().split(",")[:40])
    record = put(delivery, cut, reason="truncated", detail=detail)

    page = words_of(admin.post(f"/quarantine/{record.pk}/replay/", {"raw": cut}, follow=True))
    mended = admin.post(f"/quarantine/{record.pk}/replay/", {"raw": line_of()}, follow=True)

    assert told in page
    assert "Put the whole line in its place, from the telephone system's own file" in page
    assert "The record was replayed." in words_of(mended)


def test_a_line_whose_columns_are_named_above_it_is_replayed_with_their_names(
    delivery: Delivery, admin: Client
) -> None:
    source = Source.objects.get()
    source.driver, source.options = "delimited", {"columns": {"started_at": "s", "ended_at": "e", "from_number": "f", "to_number": "t"}}  # fmt: skip
    source.save()
    ended = now().replace(microsecond=0)
    line = f"{(ended - timedelta(minutes=1)).isoformat()},{ended.isoformat()},201,202"
    record = put(delivery, line, reason="bad_field")
    path = f"/quarantine/{record.pk}/replay/"

    alone = words_of(admin.post(path, {"raw": line}, follow=True))
    short = words_of(admin.post(path, {"raw": "s,e,f,t\r\n1,2"}, follow=True))
    named = words_of(admin.post(path, {"raw": f"s,e,f,t\r\n{line}"}, follow=True))

    assert "There is no record in the text. Where its file begins with the names" in alone
    assert "The line itself is cut short: it has 2 of 4 fields." in short
    assert "The record was replayed." in named
