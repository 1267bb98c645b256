"""What people see and do on the pages, each story by the browser's own requests."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from budgets.models import BudgetPeriod, Crossing, EventKind
from cdr.models import Call, QuarantinedRecord
from directory.models import OrgUnit, User
from directory.number_keys import number_key
from tests.support.mining import NOON, company, mine, outgoing
from tests.support.pages import PagesWorld, pages_world

ROME = ZoneInfo("Europe/Rome")


@pytest.fixture
def world(db: None) -> PagesWorld:
    """The company at a moment in the middle of a day and a month of Rome, so sums are plain."""
    return pages_world(datetime.now(UTC))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def words_of(answer: Any) -> str:
    """The page as text, one space between words."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", unescape(text))


def rows_of(answer: Any) -> list[list[str]]:
    """The first table's body, cell by cell."""
    body = re.search(r"<tbody>(.*?)</tbody>", answer.content.decode(), re.S)
    if body is None:
        return []
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.S)
    return [
        [
            re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", cell))).strip()
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)
        ]
        for row in rows
    ]


# --- home -----------------------------------------------------------------------------------------


@pytest.mark.feature("F045", "F047", "F049", "F050", "F051", "F055", "F056", "F057", "F058")
def test_home_lists_the_own_last_calls_newest_first(world: PagesWorld) -> None:
    world.call("anna", "+390266771234", "OA", charge=1_250_000, ago=timedelta(seconds=1))
    world.call("anna", "202", "NA", ago=timedelta(seconds=2))
    world.call("anna", "+390266", "IU", ago=timedelta(seconds=3))
    world.call("anna", "1520", "OU", ago=timedelta(seconds=4))
    world.call("anna", "+4412345678", "OA", charge=None, ago=timedelta(seconds=5))

    rows = rows_of(signed_in(world.people["anna"]).get("/"))

    kinds, extensions, names, numbers, _, _, durations, costs, gateways = zip(
        *rows[:5], strict=True
    )
    assert kinds == (
        "outgoing answered",
        "internal answered",
        "incoming unanswered",
        "outgoing unanswered",
        "outgoing answered",
    )
    assert set(extensions) == {"201"}
    assert set(names) == {"Anna Rossi"}
    assert numbers == ("+39026677****", "202", "+39****", "****", "+441234****")
    assert durations == ("00:01:00", "00:01:00", "00:00:00", "00:00:00", "00:01:00")
    assert costs == ("€1.25", "€0.00", "€0.00", "€0.00", "not rated")
    assert gateways[:2] == ("GW-MILAN", "Internal calls")


@pytest.mark.feature("F046")
@pytest.mark.parametrize(("asked", "shown"), [("", 20), ("?top=10", 10), ("?top=50", 41)])
def test_home_shows_as_many_calls_as_asked_for(world: PagesWorld, asked: str, shown: int) -> None:
    for number in range(30):
        world.call("anna", f"+3902{number:07}", "OA")
    own = Call.objects.filter(user=world.people["anna"]).count()

    rows = rows_of(signed_in(world.people["anna"]).get(f"/{asked}"))

    assert len(rows) == min(shown, own)


@pytest.mark.feature("F048")
def test_the_signs_of_the_calls_are_explained(world: PagesWorld) -> None:
    page = signed_in(world.people["anna"]).get("/").content.decode()

    legend = re.search(r'<details class="tg-legend">.*?</details>', page, re.S)
    assert legend is not None
    words = re.sub(r"<[^>]+>", " ", legend[0])
    for kind in ("incoming answered", "handed over by transfer", "forwarded outside", "tandem"):
        assert kind in words


@pytest.mark.feature("F052", "F053")
def test_date_and_time_are_in_the_language_and_zone_of_the_reader(world: PagesWorld) -> None:
    anna = world.people["anna"]
    started = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    world.call("anna", "+390266771234", "OA", ago=world.now - started)
    User.objects.filter(pk=anna.pk).update(language="de", time_zone="Asia/Tokyo")

    rows = rows_of(signed_in(anna).get("/?top=200"))

    assert ["29.03.2026", "08:30:00"] in [row[4:6] for row in rows]


@pytest.mark.feature("F059")
def test_a_number_leads_to_all_calls_with_it_and_never_shows_itself(world: PagesWorld) -> None:
    world.call("anna", "+390266771234", "IA")
    client = signed_in(world.people["anna"])
    link = re.search(r'href="(/calls/\?same=[\w-]+)"', client.get("/").content.decode())
    assert link is not None

    answer = client.get(link[1])

    rows = rows_of(answer)
    assert len(rows) == 2
    assert {row[3] for row in rows} == {"+39026677****"}
    assert "66771234" not in answer.content.decode()


def test_the_calls_of_a_foreign_number_cannot_be_asked_for(world: PagesWorld) -> None:
    foreign = world.calls["foreign"]

    answer = signed_in(world.people["anna"]).get(f"/calls/?same={number_key(foreign.number)}")

    assert rows_of(answer) == []


@pytest.mark.feature("F035")
def test_a_supervisor_chooses_between_his_own_calls_and_those_of_his_scope(
    world: PagesWorld,
) -> None:
    client = signed_in(world.people["cleo"])
    world.call("cleo", "+390266770000", "OA")

    everything = rows_of(client.get("/?top=50"))
    mine_only = rows_of(client.get("/?top=50&whose=mine"))

    assert {row[2] for row in everything} == {"Anna Rossi", "Ben Rossi", "Cleo Rossi"}
    assert {row[2] for row in mine_only} == {"Cleo Rossi"}


@pytest.mark.feature("F036", "F037")
@pytest.mark.parametrize("kind", ["COST_CENTRE", "OFFICE"])
def test_a_supervisor_of_a_cost_centre_or_office_sees_it_with_all_below(
    world: PagesWorld, kind: str
) -> None:
    upper = OrgUnit.objects.create(kind=kind, name="Upper", path="Upper")
    lower = OrgUnit.objects.create(kind=kind, name="Lower", path="Upper/Lower", parent=upper)
    gus = world.people["gus"]
    gus.role = "SUPERVISOR"
    gus.save()
    gus.supervisions.create(unit=upper)
    world.call("dora", "+390266779999", "OA", **{kind.lower(): lower})

    rows = rows_of(signed_in(gus).get("/"))

    assert [row[2] for row in rows] == ["Dora Rossi"]


# --- calls ----------------------------------------------------------------------------------------


def test_pages_of_calls_go_on_from_a_place_and_back(world: PagesWorld) -> None:
    Call.objects.all().update(started_at=world.now - timedelta(days=400))
    for number in range(25):
        world.call("anna", f"+39{number:04}", "OA", charge=number * 1_000_000)  # at one instant
    client = signed_in(world.people["anna"])

    def follow(answer: Any, rel: str) -> Any:
        link = re.search(rf'rel="{rel}" href="([^"]+)"', answer.content.decode())
        assert link is not None
        return client.get("/calls/" + unescape(link[1]))

    first = client.get("/calls/?size=10&type=OA&period=all")
    second = follow(first, "next")
    third = follow(second, "next")
    back = follow(third, "prev")

    seen = [row[7] for answer in (first, second, third) for row in rows_of(answer)]
    assert seen[:25] == [f"€{number}.00" for number in range(24, -1, -1)]
    assert len(seen) == 26
    assert rows_of(back) == rows_of(second)


@pytest.mark.parametrize("typed", ["+390266771234", "00390266771234", "+39 02 6677-1234"])
def test_a_number_typed_in_full_finds_its_calls_masked(world: PagesWorld, typed: str) -> None:
    answer = signed_in(world.people["anna"]).get("/calls/", {"number": typed})

    assert [row[3] for row in rows_of(answer)] == ["+39026677****"]


@pytest.mark.parametrize("typed", ["+39026677", "+39026677123", "6677", "%", "+39026677____", "*"])
def test_a_part_of_a_number_finds_nothing(world: PagesWorld, typed: str) -> None:
    answer = signed_in(world.people["frank"]).get("/calls/", {"number": typed})

    assert rows_of(answer) == []


def test_calls_are_narrowed_by_day_type_and_extension(world: PagesWorld) -> None:
    world.call("ben", "+391", "OA", ago=timedelta(days=40), charge=7_000_000)
    day = (world.now - timedelta(days=40)).astimezone(ROME).date().isoformat()
    client = signed_in(world.people["frank"])

    by_day = rows_of(client.get("/calls/", {"start": day, "end": day}))
    by_type = rows_of(client.get("/calls/", {"type": "FO"}))
    by_line = rows_of(client.get("/calls/", {"extension": "204"}))
    wrong = client.get("/calls/", {"start": "2026-02-02", "end": "2026-02-01"})

    assert [row[7] for row in by_day] == ["€7.00"]
    assert [row[0] for row in by_type] == ["forwarded outside"]
    assert [row[2] for row in by_line] == ["Dora Rossi"]
    assert "The end lies before the start." in words_of(wrong)


@pytest.mark.django_db
def test_a_call_shows_how_its_price_came_about_without_the_clear_number() -> None:
    place = company()
    user = place.person("mary", "201")
    mine(outgoing("1", talk=90))
    call = Call.objects.get()

    answer = signed_in(user).get(f"/calls/{call.pk}/")

    words = words_of(answer)
    assert "How the price came about" in words
    assert "longest prefix that fits: 44" in words
    assert "£0.20" in words
    assert call.number not in answer.content.decode()
    assert f"{call.number[:-4]}****" in words


@pytest.mark.django_db
def test_a_transferred_call_shows_only_the_parts_in_scope() -> None:
    place = company()
    first, second = place.person("mary", "201"), place.person("nora", "202", department="Other")
    mine(
        outgoing("1"),
        outgoing("1", leg="1c-1b", from_leg="1c", extension="202", off=70),
    )
    call, later = Call.objects.order_by("started_at")
    Call.objects.filter(pk=later.pk).update(user=second, department=None)

    own = words_of(signed_in(first).get(f"/calls/{call.pk}/"))
    chief = User.objects.create_user(username="chief", role="ADMIN")
    whole = words_of(signed_in(chief).get(f"/calls/{call.pk}/"))

    assert "nora" not in own
    assert "nora" in whole


@pytest.mark.feature("F057")
def test_clear_numbers_need_the_right_and_leave_a_trace(world: PagesWorld) -> None:
    frank = world.people["frank"]
    path = f"/calls/{world.calls['own'].pk}/record/"
    client = signed_in(frank)
    refused = client.post(path)
    User.objects.filter(pk=frank.pk).update(may_reveal_numbers=True)

    shown = client.post(path)

    assert refused.status_code == 403
    assert "+390266771234" in shown.content.decode()
    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.object_id) == (frank.pk, str(world.calls["own"].pk))
    assert entry.change_message == "numbers revealed"


# --- budgets --------------------------------------------------------------------------------------


def test_nobody_without_a_budget_is_shown_an_empty_frame(world: PagesWorld) -> None:
    stranger = User.objects.create_user(username="zoe")

    assert "No budget is assigned to you." in words_of(signed_in(stranger).get("/budgets/"))


@pytest.mark.feature("F223")
def test_the_bar_says_on_every_page_how_the_readers_money_stands(world: PagesWorld) -> None:
    anna = signed_in(world.people["anna"])
    User.objects.create_user(username="zoe")
    period = BudgetPeriod.objects.get(budget=world.budgets["own"], state="OPEN")
    Crossing.objects.create(
        period=period, percent=80, spent=8_500_000, effective=10_000_000, crossed_at=world.now
    )

    assert "My budgets 80% reached" in words_of(anna.get("/"))
    assert "My budgets 80% reached" in words_of(anna.get("/calls/"))
    assert "My budgets My phone" in words_of(signed_in(User.objects.get(username="zoe")).get("/"))


def test_an_override_needs_a_reason_and_stands_in_the_history(world: PagesWorld) -> None:
    budget = world.budgets["own"]
    client = signed_in(world.people["cleo"])

    client.post(f"/budgets/{budget.pk}/override/", {"reason": ""})
    before = budget.events.filter(kind=EventKind.OVERRIDE).count()
    answer = client.post(f"/budgets/{budget.pk}/override/", {"reason": "on call"}, follow=True)

    assert before == 0
    assert "The phones stay open until the period ends." in words_of(answer)
    assert "reason: on call" in words_of(answer)


# --- works ----------------------------------------------------------------------------------------


@pytest.mark.feature("F188")
def test_the_outbox_shows_a_mail_as_text_and_as_it_looks(world: PagesWorld) -> None:
    client = signed_in(world.people["frank"])
    assert world.mail is not None

    found = rows_of(client.get("/outbox/?text=anna@example.com&state=PENDING"))
    mail = words_of(client.get(f"/outbox/{world.mail.pk}/"))
    looks = client.get(f"/outbox/{world.mail.pk}/html/")

    assert len(found) == 1
    assert "You have used 80 %." in mail
    assert "<b>80 %</b>" in looks.content.decode()
    policy = looks.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert looks.headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.django_db
def test_a_record_set_aside_is_mended_and_replayed() -> None:
    place = company()
    place.person("mary", "201")
    admin = User.objects.create_user(username="root", role="ADMIN")
    broken = outgoing("1") | {"ended_at": (NOON - timedelta(days=1)).isoformat()}
    mine(broken)
    record = QuarantinedRecord.objects.get()
    client = signed_in(admin)
    listed = rows_of(client.get("/quarantine/"))

    useless = client.post(f"/quarantine/{record.pk}/replay/", {"raw": "rubbish"}, follow=True)
    mended = f'{{"record": "segment", "position": {record.position}, ' + _inside(outgoing("1"))
    replayed = client.post(f"/quarantine/{record.pk}/replay/", {"raw": mended}, follow=True)
    again = client.post(f"/quarantine/{record.pk}/close/", {"reason": "x"}, follow=True)

    assert len(listed) == 1
    assert "Mend and replay" in words_of(useless)
    assert "The record was replayed." in words_of(replayed)
    assert "before" in words_of(again)
    assert Call.objects.count() == 1
    record.refresh_from_db()
    assert (record.state, record.settled_by) == ("REPLAYED", "root")


def _inside(record: dict[str, Any]) -> str:
    return json.dumps(record)[1:]


def test_a_record_is_closed_with_its_reason(world: PagesWorld) -> None:
    assert world.quarantined is not None
    client = signed_in(world.people["frank"])

    client.post(f"/quarantine/{world.quarantined.pk}/close/", {"reason": ""})
    before = QuarantinedRecord.objects.get(pk=world.quarantined.pk).state
    client.post(f"/quarantine/{world.quarantined.pk}/close/", {"reason": "test file"})

    record = QuarantinedRecord.objects.get(pk=world.quarantined.pk)
    assert (before, record.state, record.settled_reason) == ("OPEN", "CLOSED", "test file")


def test_the_system_page_counts_what_waits(world: PagesWorld) -> None:
    words = words_of(signed_in(world.people["frank"]).get("/system/"))

    assert "1 call record could not be used." in words
    assert "Mails to be sent 1" in words


def test_pages_turn_round_in_arabic(world: PagesWorld) -> None:
    User.objects.filter(username="anna").update(language="ar")

    text = signed_in(world.people["anna"]).get("/").content.decode()

    assert '<html lang="ar" dir="rtl"' in text
    assert '<bdi dir="ltr">+39026677****</bdi>' in text


def test_what_is_not_there_is_said_in_the_frame_of_the_site(world: PagesWorld) -> None:
    client = signed_in(world.people["anna"])

    missing = client.get("/calls/999999/")
    refused = client.get("/system/")

    assert "Nothing here" in words_of(missing)
    assert "your role does not open this page." in words_of(refused)
