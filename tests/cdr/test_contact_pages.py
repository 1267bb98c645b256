"""The phone book: whose names stand where, and that no book gets round the mask."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cdr.views.contacts import ContactOfReader
from directory.models import CompanyContact, Contact, Job, NumberSearches, Site, User
from directory.number_keys import number_key
from directory.operations.jobs import run_job
from directory.pace import SEARCHES_AN_HOUR
from kernel.clock import now
from tests.support.pages import HOSTILE, PagesWorld, pages_world

pytestmark = [pytest.mark.django_db, pytest.mark.feature("F051", "X29")]
OWN, BENS, FOREIGN = "+390266771234", "+390266779876", "+4930123456789"


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def client_of(world: PagesWorld, who: str) -> Client:
    client = Client()
    client.force_login(world.people[who], "django.contrib.auth.backends.ModelBackend")
    return client


def entry(owner: User | None, number: str, name: str, **more: Any) -> Contact:
    return Contact.objects.create(owner=owner, number=number, name=name, **more)


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def pages_of(world: PagesWorld, call: str) -> list[str]:
    """Every page that shows the number of this call."""
    row = world.calls[call]
    return [
        "/",
        "/calls/",
        "/calls/?columns=contact,type",
        f"/calls/?same={number_key(row.number)}",
        f"/calls/{row.pk}/",
        "/api/v1/calls/",
        f"/api/v1/calls/{row.pk}/",
    ]


def naming(world: PagesWorld, who: str, call: str, name: str) -> list[bool]:
    client = client_of(world, who)
    answers = [client.get(path) for path in pages_of(world, call)]
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    return [name in answer.content.decode() for answer in answers]


# --- whose names are shown ------------------------------------------------------------------------


def test_the_name_stands_beside_the_number_of_ones_own_calls(world: PagesWorld) -> None:
    entry(world.people["anna"], OWN, "Acme Hotline")

    assert naming(world, "anna", "own", "Acme Hotline") == [True] * 7


def test_a_hostile_name_stays_text(world: PagesWorld) -> None:
    entry(world.people["anna"], OWN, HOSTILE)
    client = client_of(world, "anna")

    for path in [*pages_of(world, "own"), "/budgets/", "/contacts/", "/search/?q=svg"]:
        answer = client.get(path)
        if "html" in answer.headers["Content-Type"]:
            assert "<svg onload" not in answer.content.decode(), path
            assert "&lt;svg onload" in answer.content.decode(), path


def test_ones_own_name_comes_before_the_company_s(world: PagesWorld) -> None:
    entry(None, OWN, "Acme AG")
    assert all(naming(world, "anna", "own", "Acme AG"))

    entry(world.people["anna"], OWN, "Uncle Bob")

    assert all(naming(world, "anna", "own", "Uncle Bob"))
    assert not any(naming(world, "anna", "own", "Acme AG"))


def test_a_supervisor_s_contact_does_not_tell_whom_his_people_called(world: PagesWorld) -> None:
    for number in (OWN, BENS):
        entry(world.people["cleo"], number, "Known to Cleo")
        entry(None, number, "Known to all")

    for name in ("Known to Cleo", "Known to all"):
        assert not any(naming(world, "cleo", "in_scope", name))
        assert not any(naming(world, "frank", "own", name))


def test_who_sees_the_number_whole_sees_its_name_on_others_calls(world: PagesWorld) -> None:
    entry(world.people["cleo"], BENS, "Known to Cleo")

    Site.objects.update(mask_digits=0)

    assert naming(world, "cleo", "in_scope", "Known to Cleo") == [True] * 7
    assert not any(naming(world, "frank", "in_scope", "Known to Cleo")), "it is Cleo's alone"


def test_it_stands_on_missed_calls_and_on_the_own_budget(world: PagesWorld) -> None:
    entry(world.people["anna"], "+390299990000", "Missed One")
    entry(world.people["anna"], OWN, "Acme Hotline")
    client = client_of(world, "anna")

    assert "Acme Hotline" in text_of(client.get("/budgets/"))
    for path in ("/missed/", "/calls/?kind=missed"):
        page = text_of(client.get(path))
        assert ("Missed One" in page) is ("+39029999****" in page), path
    assert "Missed One" in text_of(client.get("/calls/?kind=missed"))


def test_a_file_of_calls_has_the_name_in_a_column_of_its_own(world: PagesWorld) -> None:
    entry(world.people["anna"], OWN, "Acme Hotline")

    answer = client_of(world, "anna").post("/calls/file/?columns=number,contact", {"format": "csv"})

    lines = answer.content.decode().splitlines()
    assert any("****" in line and line.endswith("Acme Hotline") for line in lines), lines


def test_names_cost_one_question_a_page(
    world: PagesWorld, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_of(world, "anna")
    counts = {}
    for path in ("/", "/calls/", f"/calls/{world.calls['own'].pk}/", "/budgets/"):
        client.get(path)
        with django_assert_max_num_queries(20) as asked:
            client.get(path)
        counts[path] = [query["sql"] for query in asked.captured_queries]

    for path, queries in counts.items():
        assert sum("directory_contact" in sql for sql in queries) == 1, path
    alone = client_of(world, "frank")
    with django_assert_max_num_queries(20) as asked:
        alone.get("/calls/")
    assert not any("directory_contact" in query["sql"] for query in asked.captured_queries)


# --- the book is no way round the mask ------------------------------------------------------------


def test_the_way_to_the_calls_counts_as_a_search_for_the_number(world: PagesWorld) -> None:
    known = entry(world.people["cleo"], BENS, "Known")
    unknown = entry(world.people["cleo"], "+390266770000", "Unknown")
    client = client_of(world, "cleo")

    found = client.get(f"/contacts/{known.pk}/calls/")
    nothing = client.get(f"/contacts/{unknown.pk}/calls/", follow=True)

    assert found.headers["Location"] == f"/calls/?same={number_key(BENS)}"
    assert "no call with “Unknown”" in text_of(nothing)
    assert number_key(unknown.number) not in nothing.content.decode()
    assert NumberSearches.objects.get(user=world.people["cleo"]).searches == 2


def test_who_has_searched_too_often_finds_no_calls_by_his_book(world: PagesWorld) -> None:
    known = entry(world.people["cleo"], BENS, "Known")
    client = client_of(world, "cleo")
    for _ in range(SEARCHES_AN_HOUR):
        client.get(f"/contacts/{known.pk}/calls/")

    answer = client.get(f"/contacts/{known.pk}/calls/", follow=True)

    # A clock hour may end within the loop: then he may again, and only then.
    if NumberSearches.objects.get(user=world.people["cleo"]).searches >= SEARCHES_AN_HOUR:
        assert answer.redirect_chain[0][0] == "/contacts/"
        assert "searches by number" in text_of(answer)


def test_no_page_of_the_book_gives_a_number_s_key_away(world: PagesWorld) -> None:
    entry(world.people["cleo"], BENS, "Known")
    client = client_of(world, "cleo")

    for path in ("/contacts/", "/search/?q=Known", "/api/v1/contacts/"):
        text = client.get(path).content.decode()
        assert "Known" in text, path
        assert number_key(BENS) not in text, path


def test_a_number_can_be_taken_over_from_an_own_call_only(world: PagesWorld) -> None:
    asked = {who: client_of(world, who) for who in ("anna", "cleo", "frank")}
    path = f"/contacts/of-call/?same={number_key(OWN)}"

    assert {who: client.get(path).status_code for who, client in asked.items()} == {
        "anna": 200,
        "cleo": 404,
        "frank": 404,
    }
    assert asked["cleo"].post(path, {"name": "Got it"}).status_code == 404
    assert not Contact.objects.filter(owner=world.people["cleo"]).exists()


def test_a_number_taken_from_a_call_stays_masked_and_is_not_found_by_its_digits(
    world: PagesWorld,
) -> None:
    client = client_of(world, "anna")
    page = client.get(f"/calls/{world.calls['own'].pk}/").content.decode()
    assert f"/contacts/of-call/?same={number_key(OWN)}" in page

    answer = client.post(f"/contacts/of-call/?same={number_key(OWN)}", {"name": "Acme Hotline"})

    assert answer.status_code == 302
    row = Contact.objects.get(owner=world.people["anna"], number=OWN)
    assert (row.name, row.number_masked) == ("Acme Hotline", True)
    pages = ["/contacts/", f"/contacts/{row.pk}/", f"/contacts/{row.pk}/delete/"]
    for path in [*pages, "/search/?q=Acme", "/api/v1/contacts/"]:
        text = client.get(path).content.decode()
        assert "+39026677****" in text, path
        assert "1234" not in re.sub(r"csrf\S+|value=\"[^\"]*\"", "", text), path
    assert "Acme Hotline" not in text_of(client.get("/contacts/?q=1234"))
    assert "Acme Hotline" in text_of(client.get("/contacts/?q=hotline+acme"))
    assert "of-call" not in client.get(f"/calls/{world.calls['own'].pk}/").content.decode()


def test_a_number_seen_whole_is_kept_whole(world: PagesWorld) -> None:
    Site.objects.update(mask_digits=0)

    client_of(world, "anna").post(f"/contacts/of-call/?same={number_key(OWN)}", {"name": "Acme"})

    assert not Contact.objects.get(owner=world.people["anna"], number=OWN).number_masked


def test_a_masked_entry_keeps_its_number_whatever_is_sent(world: PagesWorld) -> None:
    row = entry(world.people["anna"], OWN, "Acme", number_masked=True)

    client_of(world, "anna").post(
        f"/contacts/{row.pk}/", {"name": "Acme AG", "number": "+390200000000"}
    )

    row.refresh_from_db()
    assert (row.name, row.number, row.number_masked) == ("Acme AG", OWN, True)


# --- writing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("+39 02 5555 0001", "+390255550001"),
        ("0039 02 55550001", "+390255550001"),
        ("02 55550001", "+390255550001"),
        ("0 02 55550001", "+390255550001"),
        ("0 0044 20 7946 0958", "+442079460958"),
    ],
)
def test_a_number_is_understood_as_it_is_dialled(
    world: PagesWorld, typed: str, stored: str
) -> None:
    Site.objects.update(exit_code="0", area_code="02")

    client_of(world, "anna").post("/contacts/new/", {"name": " Acme  AG ", "number": typed})

    row = Contact.objects.get(owner=world.people["anna"], name="Acme AG")
    assert (row.number, row.number_masked) == (stored, False)


@pytest.mark.parametrize("typed", ["112", "abc", "", "+", "alice@example.com", "5" * 64])
def test_what_is_no_outside_number_is_refused(world: PagesWorld, typed: str) -> None:
    before = Contact.objects.count()

    answer = client_of(world, "anna").post("/contacts/new/", {"name": "Acme", "number": typed})

    assert answer.status_code == 422
    assert Contact.objects.count() == before


def test_a_number_stands_once_in_a_book(world: PagesWorld) -> None:
    entry(world.people["ben"], "+390255550009", "Ben's")
    entry(None, "+390255550009", "The company's")
    client = client_of(world, "anna")
    words = {"name": "Mine", "number": "+390255550009"}

    assert client.post("/contacts/new/", words).status_code == 302
    again = client.post("/contacts/new/", words)

    assert again.status_code == 422
    assert "already, as “Mine”" in text_of(again)


def test_an_entry_is_changed_and_deleted(world: PagesWorld) -> None:
    row = entry(world.people["anna"], "+390255550009", "Old")
    client = client_of(world, "anna")

    client.post(f"/contacts/{row.pk}/", {"name": "New", "number": "+390255550010"})
    row.refresh_from_db()
    assert (row.name, row.number) == ("New", "+390255550010")
    assert "Delete “New”?" in text_of(client.get(f"/contacts/{row.pk}/delete/"))
    assert Contact.objects.filter(pk=row.pk).exists()
    client.post(f"/contacts/{row.pk}/delete/")

    assert not Contact.objects.filter(pk=row.pk).exists()


def test_an_entry_that_another_tab_has_deleted_stays_deleted(
    world: PagesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(world, "anna")
    words = {"name": "New", "number": "+390255550010"}
    writable = ContactOfReader.writable

    def deleted_meanwhile(view: ContactOfReader) -> Contact:
        found = writable(view)
        Contact.objects.filter(pk=found.pk).delete()
        return found

    monkeypatch.setattr(ContactOfReader, "writable", deleted_meanwhile)
    rows = [entry(world.people["anna"], f"+39025555000{number}", "Old") for number in (1, 2)]

    changed = client.post(f"/contacts/{rows[0].pk}/", words)
    deleted = client.post(f"/contacts/{rows[1].pk}/delete/")

    assert changed.status_code == 422
    assert "This entry was deleted meanwhile." in text_of(changed)
    assert deleted.status_code == 302
    assert not Contact.objects.filter(name__in=["Old", "New"]).exists()


def test_the_company_s_book_is_read_by_all_and_written_by_administrators(
    world: PagesWorld,
) -> None:
    words = {"name": "Harbour", "number": "+390255550011"}
    for who in ("anna", "cleo", "eve"):
        client = client_of(world, who)
        assert client.post("/contacts/new/?book=company", words).status_code == 403
        assert client.get("/contacts/import/?book=company").status_code == 403
    frank = client_of(world, "frank")

    assert frank.post("/contacts/new/?book=company", words).status_code == 302

    row = CompanyContact.objects.get(number="+390255550011")
    for who in ("anna", "cleo", "eve"):
        client = client_of(world, who)
        page = client.get("/contacts/?book=company").content.decode()
        assert "Harbour" in page
        assert f"/contacts/{row.pk}/delete/" not in page
        assert client.post(f"/contacts/{row.pk}/delete/").status_code == 403
        assert client.post(f"/contacts/{row.pk}/", words).status_code == 403
    frank.post(f"/contacts/{row.pk}/", words | {"name": "Port"})
    frank.post(f"/contacts/{row.pk}/delete/")
    noted = LogEntry.objects.filter(content_type__model="contact", object_pk=row.pk).order_by("pk")
    assert [each.action for each in noted] == [0, 1, 2]
    assert [each.actor for each in noted] == [world.people["frank"]] * 3


def test_personal_entries_are_their_owner_s_alone(world: PagesWorld) -> None:
    before = LogEntry.objects.count()
    client_of(world, "anna").post(
        "/contacts/new/", {"name": "Dr Secret", "number": "+390255550012"}
    )
    row = Contact.objects.get(name="Dr Secret")
    frank = client_of(world, "frank")
    paths = ["/contacts/", "/contacts/?book=company", "/search/?q=Secret", "/api/v1/contacts/"]
    paths += ["/audit/", "/admin/directory/companycontact/"]
    paths += [f"/admin/directory/user/{row.owner_id}/delete/"]

    assert [path for path in paths if "Dr Secret" in frank.get(path).content.decode()] == []
    assert frank.get(f"/admin/directory/companycontact/{row.pk}/change/").status_code == 302
    assert LogEntry.objects.count() == before


def test_they_go_with_their_owner(world: PagesWorld) -> None:
    entry(world.people["gus"], "+390255550012", "Dr Secret")

    world.people["gus"].delete()

    assert not Contact.objects.filter(name="Dr Secret").exists()


def test_the_administration_holds_the_company_s_entries(world: PagesWorld) -> None:
    frank = client_of(world, "frank")
    add = "/admin/directory/companycontact/add/"

    assert frank.post(add, {"name": "Harbour", "number": "+390255550013"}).status_code == 302
    again = frank.post(add, {"name": "Port", "number": "+390255550013"})
    wrong = frank.post(add, {"name": "Port", "number": "02 55550013"})

    assert (again.status_code, wrong.status_code) == (200, 200)
    assert "already" in text_of(again)
    assert "+390255550117" in text_of(wrong)
    row = CompanyContact.objects.get(number="+390255550013")
    assert row.owner_id is None
    assert LogEntry.objects.filter(object_pk=str(row.pk), object_repr="Harbour").exists()


# --- finding --------------------------------------------------------------------------------------


def test_the_search_box_finds_contacts_by_name_and_leads_to_their_calls(world: PagesWorld) -> None:
    mine = entry(world.people["anna"], OWN, "Acme Hotline")
    company = entry(None, "+390255550014", "Acme Works")
    entry(world.people["ben"], OWN, "Acme of Ben")
    client = client_of(world, "anna")

    answer = client.get("/search/?q=acme").content.decode()

    assert f"/contacts/{mine.pk}/calls/" in answer
    assert f"/contacts/{company.pk}/calls/" in answer
    assert "Acme of Ben" not in answer
    followed = client.get(f"/contacts/{mine.pk}/calls/", follow=True)
    assert followed.redirect_chain[-1][0] == f"/calls/?same={number_key(OWN)}"
    assert "Acme Hotline" in text_of(followed)


def test_a_book_is_looked_through_page_by_page(world: PagesWorld) -> None:
    for number in range(30):
        entry(world.people["anna"], f"+3902555600{number:02}", f"Name {number:02}")
    client = client_of(world, "anna")

    first = text_of(client.get("/contacts/?size=10&q=name"))
    last = text_of(client.get("/contacts/?size=10&q=name&page=3"))
    by_number = text_of(client.get("/contacts/?q=02+55560007"))

    assert "Name 09" in first
    assert "Name 10" not in first
    assert "Name 29" in last
    assert re.findall(r"Name \d\d", by_number)[:1] == ["Name 07"]
    assert "Name 08" not in by_number


def test_a_program_reads_the_same_entries_page_by_page(world: PagesWorld) -> None:
    mine = [entry(world.people["ben"], f"+3902555600{n:02}", f"Name {n}") for n in range(3)]
    client = client_of(world, "ben")

    first = client.get("/api/v1/contacts/?book=mine&limit=2").json()
    last = client.get(first["next"]).json()
    company = client.get("/api/v1/contacts/?book=company").json()

    rows = [*first["results"], *last["results"]]
    assert [row["id"] for row in rows] == [row.pk for row in mine]
    assert rows[0] == {
        "id": mine[0].pk,
        "book": "mine",
        "name": "Name 0",
        "number": "+390255560000",
    }
    assert last["next"] is None
    assert [row["name"] for row in company["results"]] == ["Co"]
    assert client.get("/api/v1/contacts/?cursor=x&book=mine").json()["results"][0] == rows[0]
    assert client.get("/api/v1/contacts/?owner=1").status_code == 400


# --- a file ---------------------------------------------------------------------------------------

QUOTED = '"' + HOSTILE.replace('"', '""') + '"'
FILE = f"""name;number;note
Acme Hotline;02 6677 1234;ours
{QUOTED};+390255550021;x
Known;+390255550022;
Nobody;112;
Twice;+390255550021;
;+390255550023;
"""


def look(client: Client, content: str, book: str = "") -> Any:
    file = SimpleUploadedFile("friends.csv", content.encode(), content_type="text/csv")
    return client.post(f"/contacts/import/{book}", {"file": file}, follow=True)


def test_a_file_is_looked_at_first_and_then_imported(world: PagesWorld) -> None:
    Site.objects.update(exit_code="0", area_code="02")
    anna = world.people["anna"]
    entry(anna, "+390255550022", "Known before")
    entry(None, "+390255550022", "The company's")
    client = client_of(world, "anna")
    before = list(Contact.objects.order_by("pk").values_list())

    page = look(client, FILE)

    job = Job.objects.filter(kind="contacts_preview").latest("pk")
    assert page.redirect_chain[-1][0] == f"/contacts/import/{job.pk}/"
    assert job.answer["counts"] == {"new": 2, "changed": 1, "unchanged": 0, "refused": 3}
    assert list(Contact.objects.order_by("pk").values_list()) == before
    assert "This is not an outside number." in text_of(page)
    changed = client.get(f"/contacts/import/{job.pk}/?show=changed")
    assert "Known before becomes Known" in text_of(changed)
    new = client.get(f"/contacts/import/{job.pk}/?show=new").content.decode()
    assert "<svg onload" not in new

    done = client.post(f"/contacts/import/{job.pk}/now/")
    run_job(Job.objects.get(kind="contacts_import").pk, clock=now)

    assert client.get(done.headers["Location"]).status_code == 200
    book = dict(Contact.objects.filter(owner=anna).values_list("number", "name"))
    assert book[OWN] == "Acme Hotline"
    assert book["+390255550022"] == "Known"
    assert book["+390255550021"] == HOSTILE
    assert CompanyContact.objects.get(number="+390255550022").name == "The company's"
    assert "Everything in the file is so already" in text_of(
        look(client, "name,number\nKnown,+390255550022\n")
    )


def test_the_company_s_file_is_noted_and_only_an_administrator_brings_it(
    world: PagesWorld,
) -> None:
    content = "name,number\nHarbour,+390255550031\n"
    assert look(client_of(world, "cleo"), content, "?book=company").status_code == 403
    frank = client_of(world, "frank")
    look(frank, content, "?book=company")
    preview = Job.objects.filter(kind="contacts_preview").latest("pk")
    frank.post(f"/contacts/import/{preview.pk}/now/")
    job = Job.objects.get(kind="contacts_import")

    User.objects.filter(username="frank").update(role="USER")
    run_job(job.pk, clock=now)
    assert not CompanyContact.objects.filter(number="+390255550031").exists()

    User.objects.filter(username="frank").update(role="ADMIN")
    frank.post(f"/contacts/import/{preview.pk}/now/")
    run_job(Job.objects.filter(kind="contacts_import").latest("pk").pk, clock=now)
    assert CompanyContact.objects.get(number="+390255550031").name == "Harbour"
    assert LogEntry.objects.filter(object_repr="import of contacts").count() == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("who,what\na,b\n", "must name the columns name and number"),
        ("name,name,number\na,b,c\n", "must name the columns name and number"),
        ('name,number\n"a,b\n', "a quote is left open"),
        ("", "The file is empty"),
        ("\n\n", "must name the columns name and number"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(world: PagesWorld, content: str, words: str) -> None:
    assert words in text_of(look(client_of(world, "anna"), content))


def test_a_file_over_the_limit_is_refused_without_a_way_that_is_none(world: PagesWorld) -> None:
    limit, before = "x" * (4 * 1024 * 1024), Job.objects.count()

    page = text_of(look(client_of(world, "anna"), f"name,number\n{limit}"))

    assert "The file is larger than 4 MB. Split it." in page
    assert "command line" not in page
    assert Job.objects.count() == before


def test_what_is_wrong_with_a_file_is_said_in_the_owner_s_language(world: PagesWorld) -> None:
    User.objects.filter(username="anna").update(language="de")

    page = text_of(look(client_of(world, "anna"), "who,what\na,b\n"))

    assert "Zeile 1: Die erste Zeile muss die Spalten name und number benennen." in page
