"""The pages of budgets, by the browser's own requests."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries

from budgets.engine.forecast import Forecast, Outlook
from budgets.engine.picture import BOTTOM, END, START, TOP, WIDTH, draw
from budgets.models import (
    Budget,
    BudgetEvent,
    BudgetException,
    BudgetPeriod,
    BudgetRequest,
    EventKind,
    LockWish,
    Measure,
    RequestState,
)
from cdr.models import UsageTotal
from directory.models import User
from tests.support.pages import PagesWorld, pages_world

ROME = ZoneInfo("Europe/Rome")
EURO = 1_000_000


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()


def words_of(answer: Any) -> str:
    return plain(re.sub(r"<details class=\"tg-define\".*?</details>", "", answer.content.decode()))


def rows_of(answer: Any, *, after: str) -> list[list[str]]:
    """The first table behind the element with the id `after`, cell by cell."""
    _, _, rest = answer.content.decode().partition(f'id="{after}"')
    body = re.search(r"<tbody>(.*?)</tbody>", rest, re.S)
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.S) if body else []
    return [[plain(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)] for row in rows]


# --- my budgets -----------------------------------------------------------------------------------


@pytest.mark.feature("F199", "F200", "F201", "F202", "F203", "F205", "F206")
def test_a_card_says_amount_spent_period_rest_end_and_phone(world: PagesWorld) -> None:
    answer = signed_in(world.people["anna"]).get("/budgets/")

    words = words_of(answer)
    assert "Monthly (€10.00)" in words
    assert "Current €8.50" in words
    assert "Remaining budget €1.50" in words
    assert "Until date" in words
    assert "Phone state" in words
    assert "nearly used up" in words
    assert "Sales, shared by all members" in words
    assert "Remaining budget -€2.00" in words


@pytest.mark.feature("F203", "F205")
def test_a_card_says_from_which_day_to_which_and_where_the_day_ends(world: PagesWorld) -> None:
    BudgetPeriod.objects.filter(budget=world.budgets["own"]).update(
        starts_on=date(2026, 10, 15), ends_before=date(2026, 11, 15)
    )

    words = words_of(signed_in(world.people["anna"]).get("/budgets/"))

    assert "Period Monthly: 15 Oct 2026 \N{EN DASH} 14 Nov 2026" in words
    assert "Until date 14 Nov 2026 ( Europe/Rome )" in words


@pytest.mark.feature("F199")
def test_the_picture_has_words_and_a_table(world: PagesWorld) -> None:
    text = signed_in(world.people["anna"]).get("/budgets/").content.decode()

    summary = re.search(r'viewBox="0 0 840 440" role="img" aria-label="([^"]+)"', text)
    assert summary
    assert "€8.50 of €10.00 spent by" in unescape(summary[1])
    assert "Show as table" in text
    assert "<style" not in text


@pytest.mark.feature("F201")
def test_base_carried_and_added_are_shown_apart(world: PagesWorld) -> None:
    BudgetPeriod.objects.filter(budget=world.budgets["own"]).update(
        carried=2 * EURO, adjusted=3 * EURO
    )

    words = words_of(signed_in(world.people["anna"]).get("/budgets/"))

    card = words.partition("Monthly (€10.00)")[2]
    assert "€15.00" in card
    assert "€10.00 assigned" in card
    assert "€2.00 carried over" in card
    assert "€3.00 for this period only" in card


@pytest.mark.feature("F202")
def test_the_last_counted_call_and_those_that_do_not_count(world: PagesWorld) -> None:
    call = world.calls["own"]

    words = words_of(signed_in(world.people["anna"]).get("/budgets/"))

    assert "last counted call:" in words
    counting = words.partition("Latest calls that count")[2].partition("Calls that did not count")
    assert "+39026677****" in counting[0]
    assert "€1.25" in counting[0]
    assert "received: the caller pays" in counting[2]
    assert "inside the company: costs nothing" in counting[2]
    assert f"/calls/{call.pk}/" in signed_in(world.people["anna"]).get("/budgets/").content.decode()


@pytest.mark.feature("F204")
def test_the_rest_is_told_in_minutes_at_ones_own_prices(world: PagesWorld) -> None:
    UsageTotal.objects.filter(user_key=world.people["anna"].pk).update(
        paid_talk_ms=17 * 60_000, paid_calls=4
    )

    words = words_of(signed_in(world.people["anna"]).get("/budgets/"))

    assert "about 3 minutes (national)" in words  # 8.50 for 17 minutes; 1.50 is left


@pytest.mark.feature("F206")
def test_a_locked_phone_says_why_and_what_to_do(world: PagesWorld) -> None:
    period = BudgetPeriod.objects.get(budget=world.budgets["own"])
    period.budget.thresholds.filter(percent=80).update(lock=True)
    LockWish.objects.create(period=period, user=world.people["anna"], wished_at=world.now)
    BudgetEvent.objects.create(
        budget=period.budget,
        period=period,
        kind=EventKind.PHONE_LOCKED,
        details={"reason": "budget", "extension": "201"},
        made_at=world.now,
    )

    words = words_of(signed_in(world.people["anna"]).get("/budgets/"))

    assert "locked by this budget 201" in words
    assert "Calls outside are stopped until" in words
    assert "locked by another budget" in words
    assert "Ask for more if you must call." in words

    budget = world.budgets["own"]
    foreign = words_of(signed_in(world.people["cleo"]).get(f"/budgets/{budget.pk}/"))
    assert "Calls outside are stopped until" in foreign
    assert "Ask for more" not in foreign


def test_a_shared_budget_shows_the_groups_figures_and_ones_own_part_only(
    world: PagesWorld,
) -> None:
    text = signed_in(world.people["anna"]).get(f"/budgets/{world.budgets['in_scope'].pk}/")

    words = words_of(text)
    assert "Current €12.00" in words
    assert "My own share" in words
    assert "Members" not in words
    assert "Ben" not in words


@pytest.mark.feature("F198")
def test_an_early_period_has_no_forecast(world: PagesWorld) -> None:
    words = words_of(signed_in(world.people["ben"]).get("/budgets/"))

    assert "The budget is used up; it begins anew after" in words


# --- history --------------------------------------------------------------------------------------


@pytest.mark.feature(
    "F196", "F207", "F208", "F209", "F210", "F211", "F212", "F213", "F214", "F215", "F216"
)
def test_the_history_is_filtered_sorted_paged_and_remembers_its_size(world: PagesWorld) -> None:
    budget = world.budgets["own"]
    world.budgets["in_scope"].events.all().delete()
    for number in range(57):
        BudgetEvent.objects.create(
            budget=budget,
            kind=EventKind.PHONE_LOCKED if number % 2 else EventKind.END_PERIOD,
            details={"measure": "MONEY", "currency": "EUR", "spent": number * EURO},
            made_at=world.now - timedelta(days=number + 1),
        )
    client = signed_in(world.people["anna"])

    first = client.get("/budgets/history/")
    last = client.get("/budgets/history/?page=6")
    oldest = client.get("/budgets/history/?order=oldest")
    locked = client.get("/budgets/history/?kind=phone_locked")
    day = (world.now - timedelta(days=3)).astimezone(ROME).date().isoformat()
    on_a_day = client.get(f"/budgets/history/?start={day}&end={day}")
    other = client.get("/budgets/history/?text=Nobody")
    client.get("/budgets/history/?size=50")
    remembered = client.get("/budgets/history/")

    assert "58 items in 6 pages" in words_of(first)
    assert "Refresh" in words_of(first)
    assert (len(rows_of(first, after="history")), len(rows_of(last, after="history"))) == (10, 8)
    newest = rows_of(first, after="history")[0]
    assert newest[1:3] == ["Anna Rossi", "threshold reached"]
    assert newest[3].startswith("80%, spent €8.50, to spend €10.00")
    assert rows_of(oldest, after="history")[0] == rows_of(last, after="history")[-1]
    assert {row[2] for row in rows_of(locked, after="history")} == {"phone locked"}
    assert [row[3] for row in rows_of(on_a_day, after="history")] == ["spent €2.00"]
    assert rows_of(other, after="history") == []
    assert len(rows_of(remembered, after="history")) == 50
    assert 'aria-sort="descending"' in first.content.decode()


def test_a_glance_says_by_how_much_a_budget_is_overspent(world: PagesWorld) -> None:
    words = words_of(signed_in(world.people["anna"]).get("/glance/"))

    assert "€1.50 left of €10.00" in words
    assert "€2.00 over €10.00" in words


@pytest.mark.parametrize(
    ("made_by", "details", "words"),
    [
        ("budget", {"reason": "budget"}, "reason: the budget"),
        ("apply", {}, "by set-up file"),
        ("anna", {"reason": "trade fair"}, "reason: trade fair, by anna"),
    ],
)
def test_the_history_says_in_words_what_acted_in_nobodys_name(
    world: PagesWorld, made_by: str, details: dict[str, str], words: str
) -> None:
    BudgetEvent.objects.all().delete()
    BudgetEvent.objects.create(
        budget=world.budgets["own"],
        kind=EventKind.CHANGED,
        details=details,
        made_by=made_by,
        made_at=world.now,
    )

    rows = rows_of(signed_in(world.people["anna"]).get("/budgets/history/"), after="history")

    assert [row[3] for row in rows] == [words]


@pytest.mark.feature("F209")
def test_the_history_names_the_group_of_a_shared_budget(world: PagesWorld) -> None:
    rows = rows_of(signed_in(world.people["anna"]).get("/budgets/history/"), after="history")

    assert {row[1] for row in rows} == {"Anna Rossi", "Sales"}


@pytest.mark.feature("F213", "F214")
def test_refresh_and_page_numbers_of_the_history_keep_what_was_asked_for(
    world: PagesWorld,
) -> None:
    for number in range(25):
        BudgetEvent.objects.create(
            budget=world.budgets["own"],
            kind=EventKind.PHONE_LOCKED,
            details={},
            made_at=world.now - timedelta(days=number + 1),
        )
    client = signed_in(world.people["anna"])
    asked = "/budgets/history/?kind=phone_locked&page=2"

    page = unescape(client.get(asked).content.decode())
    refresh = re.search(r'<a class="btn btn-sm" href="([^"]+)">.*?Refresh</a>', page, re.S)
    assert refresh is not None
    numbers = dict(re.findall(r'<a class="page-link" href="([^"]+)">(\d+)</a>', page))
    BudgetEvent.objects.filter(kind=EventKind.PHONE_LOCKED).update(
        made_at=world.now - timedelta(days=400)
    )
    third = client.get("/budgets/history/" + next(iter(reversed(numbers))))

    assert refresh[1] == asked
    assert list(numbers.values()) == ["1", "3"]
    assert {row[2] for row in rows_of(third, after="history")} == {"phone locked"}
    assert len(rows_of(third, after="history")) == 5
    assert '<span class="page-link" aria-current="page">2</span>' in page


@pytest.mark.feature("F211")
def test_details_lead_to_the_calls_and_administrators_to_the_mail(world: PagesWorld) -> None:
    budget = world.budgets["own"]
    BudgetEvent.objects.create(
        budget=budget,
        kind=EventKind.NOTIFY_SENT,
        details={"notice": "threshold", "recipient": "user", "result": "sent", "mail": 7},
        made_at=world.now,
    )

    hers = signed_in(world.people["anna"]).get("/budgets/history/").content.decode()
    admins = signed_in(world.people["frank"]).get(f"/budgets/{budget.pk}/").content.decode()

    assert re.search(r'href="/calls/\?start=[\d-]+&amp;end=[\d-]+', hers)
    assert "/outbox/7/" not in hers
    assert "/outbox/7/" in admins


@pytest.mark.feature("F217")
def test_a_member_reads_that_somebody_was_told_but_not_who(world: PagesWorld) -> None:
    event = BudgetEvent.objects.create(
        budget=world.budgets["in_scope"],
        kind=EventKind.NOTIFY_SENT,
        details={"notice": "threshold", "recipient": "ben", "result": "sent"},
        made_at=world.now + timedelta(seconds=1),
    )
    path = f"/budgets/{event.budget_id}/"

    member = rows_of(signed_in(world.people["anna"]).get(path), after="history")[0]
    overseer = rows_of(signed_in(world.people["cleo"]).get(path), after="history")[0]

    assert member[2:] == ["notification sent", "notice threshold, to another person, result sent"]
    assert overseer[3] == "notice threshold, to ben, result sent"


@pytest.mark.feature("F196")
def test_the_history_can_be_kept_as_a_file(world: PagesWorld) -> None:
    anna = signed_in(world.people["anna"])

    answer = anna.get("/budgets/history/file/?kind=threshold")
    none = anna.get("/budgets/history/file/?kind=deleted")

    text = answer.content.decode("utf-8-sig")
    assert answer["Content-Disposition"].endswith('budget-history.csv"')
    assert text.splitlines()[0] == "Date time,Budget for,Action,Details"
    assert "Anna Rossi,threshold reached" in text
    assert len(none.content.decode().splitlines()) == 1


# --- the list -------------------------------------------------------------------------------------


@pytest.mark.feature("F197")
def test_the_list_holds_what_was_assigned_against_what_was_spent(world: PagesWorld) -> None:
    rows = rows_of(signed_in(world.people["cleo"]).get("/budgets/all/"), after="budgets-head")

    anna = next(row for row in rows if row[0].startswith("Anna"))
    group = next(row for row in rows if row[0].startswith("Sales"))
    assert anna[1] == "Personal"
    assert (anna[3], anna[4], anna[5]) == ("€10.00", "€8.50 85%", "€1.50 15%")
    assert (group[1], group[5]) == ("Cumulative", "-€2.00 -20%")
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("text=anna", ["Anna"]),
        ("kind=cumulative", ["Sales", "Support"]),
        ("state=over", ["Sales"]),
        ("state=warning", ["Anna"]),
        ("state=ok", ["Support"]),
        ("period=day", []),
        ("sort=left", ["Sales", "Anna", "Support"]),
        ("sort=-left", ["Support", "Anna", "Sales"]),
        ("sort=spent&text=s", ["Support", "Anna", "Sales"]),
    ],
)
def test_the_list_is_narrowed_and_sorted(world: PagesWorld, query: str, names: list[str]) -> None:
    answer = signed_in(world.people["frank"]).get(f"/budgets/all/?{query}")

    rows = rows_of(answer, after="budgets-head")
    found = [row[1].split()[0] for row in rows]
    assert sorted(found) == sorted(names) if query == "sort=spent&text=s" else found == names


def test_a_budget_for_each_member_is_a_line_of_its_own(world: PagesWorld) -> None:
    frank = signed_in(world.people["frank"])
    template = Budget.objects.create(
        unit=world.sales,
        for_each_member=True,
        measure=Measure.MINUTES,
        amount=3_600_000,
        time_zone="Europe/Rome",
        assigned_at=world.now,
    )
    world.budget(who="ben", measure=Measure.MINUTES, amount=3_600_000, template=template)

    listed = words_of(frank.get("/budgets/all/?kind=each"))
    members = words_of(frank.get("/budgets/all/?kind=member"))
    detail = words_of(frank.get(f"/budgets/{template.pk}/"))

    assert "Personal, for each member 1 budget" in listed
    assert "Personal, from a unit Sales" in members
    assert "Every member of this unit has a budget of his own" in detail
    assert "Ben" in detail


def test_the_list_can_be_kept_as_csv_and_as_a_workbook(world: PagesWorld) -> None:
    cleo = signed_in(world.people["cleo"])

    text = cleo.get("/budgets/all/file/?state=warning").content.decode("utf-8-sig")
    book = cleo.get("/budgets/all/file/?format=xlsx").content

    assert len(text.splitlines()) == 2
    assert "Anna Rossi,Personal,Monthly," in text
    assert ",EUR,10,10,8.5,1.5,85,nearly used up" in text
    sheet = load_workbook(io.BytesIO(book)).worksheets[0]
    row = next(row for row in sheet.iter_rows() if row[0].value == "Anna Rossi")
    period = BudgetPeriod.objects.get(budget=world.budgets["own"])
    assert sheet.title == "Budgets"
    last = period.ends_before - timedelta(days=1)
    assert row[3].value == datetime(last.year, last.month, last.day)  # noqa: DTZ001 - a day
    assert [cell.value for cell in row[5:9]] == [10, 10, 8.5, 1.5]
    assert {cell.number_format for cell in row[5:9]} == {"#,##0.00####"}


def test_many_budgets_are_raised_at_once_after_a_page_that_says_so(world: PagesWorld) -> None:
    frank = signed_in(world.people["frank"])
    chosen = [world.budgets["own"].pk, world.budgets["in_scope"].pk]

    asked = frank.post("/budgets/all/change/", {"action": "raise", "chosen": chosen})
    untouched = Budget.objects.get(pk=chosen[0]).amount
    missing = frank.post(
        "/budgets/all/change/", {"action": "raise", "chosen": chosen, "confirmed": "yes"}
    )
    done = frank.post(
        "/budgets/all/change/",
        {"action": "raise", "chosen": chosen, "confirmed": "yes", "percent": "25"},
        follow=True,
    )

    assert "Raise 2 budgets?" in words_of(asked)
    assert untouched == 10 * EURO
    assert "Say by how many percent." in words_of(missing)
    assert "2 budgets were changed." in words_of(done)
    assert (
        list(Budget.objects.filter(pk__in=chosen).values_list("amount", flat=True))
        == [12_500_000] * 2
    )


def test_all_budgets_that_match_are_given_up_and_no_others(world: PagesWorld) -> None:
    frank = signed_in(world.people["frank"])

    done = frank.post(
        "/budgets/all/change/",
        {"action": "delete", "all": "yes", "matching": "kind=cumulative", "confirmed": "yes"},
        follow=True,
    )

    assert "2 budgets were changed." in words_of(done)
    left = Budget.objects.filter(deleted_at__isnull=True)
    assert list(left) == [world.budgets["own"]]
    nothing = frank.post("/budgets/all/change/", {"action": "delete"}, follow=True)
    assert "Tick the budgets and say what to do with them." in words_of(nothing)


# --- one budget -----------------------------------------------------------------------------------


def test_members_with_their_parts_are_let_off_left_out_and_counted_again(
    world: PagesWorld,
) -> None:
    budget = world.budgets["in_scope"]
    since = budget.periods.get().starts_on
    BudgetException.objects.create(budget=budget, user=world.people["cleo"], since=since)
    cleo = signed_in(world.people["cleo"])
    path = f"/budgets/{budget.pk}/"

    members = rows_of(cleo.get(path), after="members")
    out = cleo.post(f"{path}except/", {"username": "ben", "reason": "on call"}, follow=True)
    stranger = cleo.post(f"{path}except/", {"username": "dora", "reason": "x"}, follow=True)
    again = cleo.post(f"{path}include/", {"username": "ben"}, follow=True)

    assert [row[0].split()[0] for row in members] == ["Anna", "Ben", "Gus"]
    assert "Ben Rossi is left out of this budget" in words_of(out)
    assert "on call" in words_of(out)
    assert "There is no user of that name." in words_of(stranger)
    assert "Ben Rossi counts in this budget again." in words_of(again)


def test_a_period_is_adjusted_with_a_reason_and_the_amount_stays(world: PagesWorld) -> None:
    budget = world.budgets["own"]
    cleo = signed_in(world.people["cleo"])

    silent = cleo.post(f"/budgets/{budget.pk}/adjust/", {"amount": "5"}, follow=True)
    before = BudgetPeriod.objects.get(budget=budget).adjusted
    done = cleo.post(
        f"/budgets/{budget.pk}/adjust/", {"amount": "5", "reason": "a fair"}, follow=True
    )

    assert before == 0
    assert "This field is required." in words_of(silent)
    assert "The running period was adjusted" in words_of(done)
    assert "reason: a fair" in words_of(done)
    assert "Remaining budget €6.50" in words_of(done)
    budget.refresh_from_db()
    assert budget.amount == 10 * EURO


def test_a_supervisor_decides_about_others_but_not_about_himself(world: PagesWorld) -> None:
    own = world.budget(who="cleo")
    row = BudgetRequest.objects.create(
        budget=own, user=world.people["cleo"], reason="me too", asked_at=world.now
    )
    cleo = signed_in(world.people["cleo"])

    adjusted = cleo.post(f"/budgets/{own.pk}/adjust/", {"amount": "5", "reason": "me"})
    granted = cleo.post(f"/budgets/requests/{row.pk}/grant/", {"amount": "5"})

    assert (adjusted.status_code, granted.status_code) == (403, 403)
    assert "Change this budget" not in words_of(cleo.get(f"/budgets/{own.pk}/"))


def test_an_administrator_raises_and_gives_up_a_budget(world: PagesWorld) -> None:
    frank, budget = signed_in(world.people["frank"]), world.budgets["own"]

    frank.post(f"/budgets/{budget.pk}/amount/", {"amount": "20"})
    raised = frank.get(f"/budgets/{budget.pk}/")
    nonsense = frank.post(f"/budgets/{budget.pk}/amount/", {"amount": "lots"}, follow=True)
    frank.post(f"/budgets/{budget.pk}/delete/", {})
    unsure = Budget.objects.get(pk=budget.pk).deleted_at
    frank.post(f"/budgets/{budget.pk}/delete/", {"sure": "on"})

    assert "Monthly (€20.00)" in words_of(raised)
    assert "This is not an amount." in words_of(nonsense)
    assert unsure is None
    assert Budget.objects.get(pk=budget.pk).deleted_at is not None


# --- requests -------------------------------------------------------------------------------------


@pytest.mark.feature("F222")
def test_somebody_asks_and_his_supervisor_grants_in_one_click(world: PagesWorld) -> None:
    budget = world.budget(who="ben", spent=10 * EURO)
    ben, cleo = signed_in(world.people["ben"]), signed_in(world.people["cleo"])

    offered = words_of(ben.get("/budgets/"))
    form_to_ask = words_of(ben.get(f"/budgets/{budget.pk}/ask/"))
    asked = ben.post(
        f"/budgets/{budget.pk}/ask/", {"amount": "4,50", "reason": "a fair"}, follow=True
    )
    row = BudgetRequest.objects.get(budget=budget)
    page = cleo.get("/budgets/requests/").content.decode()
    form = re.search(rf'id="amount-{row.pk}"[^>]*value="([^"]+)"', page)
    assert form
    granted = cleo.post(
        f"/budgets/requests/{row.pk}/grant/", {"amount": form[1], "answer": ""}, follow=True
    )

    assert "Ask for more" in offered
    assert "How much more (EUR)" in form_to_ask
    assert "Your request is on its way." in words_of(asked)
    assert "waits for an answer" in words_of(asked)
    assert "a fair" in page
    assert "Ben Rossi will be told." in words_of(granted)
    row.refresh_from_db()
    assert (row.state, row.granted) == (RequestState.GRANTED, 4_500_000)
    assert "Budget €14.50" in words_of(ben.get("/budgets/"))


@pytest.mark.feature("F222")
def test_a_refusal_needs_a_reason_and_a_request_can_be_taken_back(world: PagesWorld) -> None:
    row = world.budgets["own"].requests.get()
    cleo, anna = signed_in(world.people["cleo"]), signed_in(world.people["anna"])

    silent = cleo.post(f"/budgets/requests/{row.pk}/refuse/", {}, follow=True)
    anna.post(f"/budgets/requests/{row.pk}/withdraw/")
    late = cleo.post(f"/budgets/requests/{row.pk}/refuse/", {"answer": "no"}, follow=True)

    assert "This field is required." in words_of(silent)
    assert "This request has been answered already." in words_of(late)
    row.refresh_from_db()
    assert row.state == RequestState.WITHDRAWN


@pytest.mark.feature("F223")
def test_the_menu_is_coloured_with_a_word_and_counts_what_waits(world: PagesWorld) -> None:
    ben = world.budget(who="ben")

    within = signed_in(world.people["ben"]).get("/phone/").content.decode()
    overseer = signed_in(world.people["cleo"]).get("/phone/").content.decode()
    auditor = words_of(signed_in(world.people["eve"]).get("/phone/"))

    assert ben.amount
    assert "tg-sign-good" in within
    assert "within the budget" in plain(within)
    assert "1 request waits for an answer" in plain(overseer)
    assert "wait for an answer" not in auditor


# --- how much is asked, and where lines run -------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/budgets/", "/budgets/all/?sort=left", "/budgets/requests/", "/budgets/{unit}/"]
)
def test_no_page_asks_more_than_twenty_questions(
    world: PagesWorld, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    world.budget(who="ben", measure=Measure.MINUTES)
    for who in ("gus", "cleo"):
        world.budget(who=who)
    Budget.objects.filter(user=world.people["gus"]).update(period="week")
    path = path.format(unit=world.budgets["in_scope"].pk)
    for reader in ("frank", "cleo"):
        client = signed_in(world.people[reader])
        client.get(path)
        with django_assert_max_num_queries(20):
            client.get(path)


@pytest.mark.feature("F031", "F199")
def test_the_picture_stays_inside_its_frame_and_mirrors() -> None:
    def drawn(*, is_mirrored: bool) -> Any:
        return draw(
            starts_on=date(2026, 11, 1),
            ends_before=date(2026, 12, 1),
            today=date(2026, 11, 10),
            spent_by_day={date(2026, 11, 2): 4 * EURO, date(2026, 11, 10): 20 * EURO},
            effective=10 * EURO,
            told=Forecast(Outlook.USED_UP, 9),
            thresholds={50: False, 100: True, 900: False},
            is_mirrored=is_mirrored,
        )

    picture, mirrored = drawn(is_mirrored=False), drawn(is_mirrored=True)

    assert all(START <= each.x <= END and TOP <= each.y <= BOTTOM for each in picture.spent)
    assert [each.x for each in mirrored.spent] == [WIDTH - each.x for each in picture.spent]
    assert [(each.percent, each.is_reached) for each in picture.marks] == [(50, True), (100, True)]
    assert [each.total for each in picture.days[:3]] == [0, 4 * EURO, 4 * EURO]
    assert picture.days[-1].total == 24 * EURO
