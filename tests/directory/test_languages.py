"""In which language somebody is spoken to: by pages, by long works, by what is written to him."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from pytest_django import DjangoAssertNumQueries, Settings

from directory.installation import choose
from directory.models import Job, Role, Site, UnitKind, User
from directory.operations import jobs as operations
from directory.operations.jobs import run_job
from directory.operations.tokens import make_token
from directory.queries.languages import language_of, languages_of
from kernel.clock import now
from tests.support.people import line, member, site, unit, user

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def browser(reader: User | None = None, *, asks: str = "", picked: str = "") -> Client:
    """A browser that asks for languages, and in which one may have been picked before."""
    client = Client(HTTP_ACCEPT_LANGUAGE=asks) if asks else Client()
    if picked:
        client.post("/account/language/", {"language": picked})
    if reader is not None:
        client.force_login(reader, "django.contrib.auth.backends.ModelBackend")
    return client


def spoken(client: Client, page: str = "/help/") -> str:
    """The language of a page, as it says itself in two places."""
    answer = client.get(page)
    said: str = answer.headers["Content-Language"]
    assert f'<html lang="{said}"' in answer.content.decode()
    return said


@pytest.mark.feature("F032")
@pytest.mark.parametrize(
    ("chosen", "picked", "asks", "of_site", "of_installation", "expected"),
    [
        ("de", "fr", "es", "it", "ar", "de"),
        ("", "fr", "es", "it", "ar", "fr"),
        ("", "", "es-MX, it;q=0.5", "it", "ar", "es"),
        ("", "", "pt, de;q=0.1", "it", "ar", "de"),
        ("", "", "pt", "it", "ar", "it"),
        ("", "", "*", "it", "ar", "it"),
        ("", "", "", "it", "ar", "it"),
        ("", "", "", "", "ar", "ar"),
        ("", "", "", "", "", "en"),
    ],
)
def test_a_page_speaks_as_the_person_chose_else_as_the_browser_says_else_as_his_site_does(
    chosen: str, picked: str, asks: str, of_site: str, of_installation: str, expected: str
) -> None:
    site("Elsewhere")
    choose(language=of_installation)
    anna = user("anna", language=chosen)
    member(anna, unit("Milan", kind=UnitKind.OFFICE, site=site(language=of_site)))

    assert spoken(browser(anna, asks=asks, picked=picked)) == expected


@pytest.mark.feature("F032")
@pytest.mark.parametrize(
    ("chosen", "asks", "of_site", "expected"),
    [
        ("de", "", "it", "de"),
        ("de", "fr", "it", "fr"),
        ("de", "pt", "it", "de"),
        ("", "", "it", "it"),
    ],
)
def test_a_program_with_a_token_is_spoken_to_as_its_owner_unless_it_asks_otherwise(
    chosen: str, asks: str, of_site: str, expected: str
) -> None:
    mario = user("mario", language=chosen)
    line(site("Milan", language=of_site), "201", mario)
    _token, text = make_token(mario, name="export", at=now())
    words = {"de": "größer oder gleich", "fr": "supérieure ou égale", "it": "maggiore o uguale"}
    headers = {"authorization": f"Token {text}"} | ({"accept-language": asks} if asks else {})

    answer = Client().get("/api/v1/calls/?limit=0", headers=headers)

    assert answer.headers["Content-Language"] == expected
    assert words[expected] in str(answer.json()["errors"])


@pytest.mark.feature("F032")
def test_a_persons_site_is_that_of_his_office_or_of_an_office_above_it_else_of_his_line() -> None:
    milan, paris = site(language="it"), site("Paris", language="fr")
    unit("Italy", kind=UnitKind.OFFICE, site=milan)
    below = user("below", time_zone="Asia/Tokyo")
    member(below, unit("Italy/Milan", kind=UnitKind.OFFICE))
    line(paris, "201", below)
    by_line = user("by_line")
    line(paris, "202", by_line)
    moved = user("moved")
    line(paris, "203", (moved, None, now()))
    nowhere = user("nowhere")
    first = {"below": "it", "by_line": "fr", "moved": "it", "nowhere": "it"}

    people = [below, by_line, moved, nowhere]

    assert {each.username: spoken(browser(each)) for each in people} == first
    assert {each.username: language_of(each) for each in people} == first


@pytest.mark.feature("F032")
def test_without_a_choice_of_the_set_up_the_first_site_speaks_for_the_installation() -> None:
    user("dora", Role.ADMIN)
    before = spoken(browser(), LOGIN)
    site(language="it")
    site("Paris", language="fr")
    by_site = spoken(browser(), LOGIN)
    choose(language="de")

    assert [before, by_site, spoken(browser(), LOGIN)] == ["en", "it", "de"]


@pytest.mark.feature("F032")
def test_many_are_asked_about_at_once_with_the_same_answers(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    milan, paris = site(language="it"), site("Paris")
    office = unit("Milan", kind=UnitKind.OFFICE, site=milan)
    people = [user("chose", language="ar"), user("nowhere")]
    for number in range(6):
        people.append(user(f"office{number}"))
        member(people[-1], office)
        people.append(user(f"line{number}"))
        line(paris, f"30{number}", people[-1])
    one_by_one = {each.pk: language_of(each) for each in people}

    with django_assert_max_num_queries(4):
        at_once = languages_of(people)

    assert at_once == one_by_one
    assert set(one_by_one.values()) == {"ar", "it"}


@pytest.mark.feature("F032")
def test_a_choice_is_the_persons_and_not_the_browsers() -> None:
    anna, ben = user("anna"), user("ben")
    client = browser(anna, asks="fr")

    client.post("/account/language/", {"language": "de"})

    of_anna = spoken(client)
    client.force_login(ben, "django.contrib.auth.backends.ModelBackend")
    assert (of_anna, spoken(client)) == ("de", "fr")


@pytest.mark.feature("F032")
def test_the_account_page_says_what_is_left_to_the_browser_and_takes_a_choice_back() -> None:
    anna = user("anna", language="de")
    line(site(language="it"), "201", anna)
    client = browser(anna, asks="es", picked="fr")
    before = client.get("/account/").content.decode()

    answer = client.post("/account/", {"form": "words", "language": "browser", "time_zone": ""})

    assert answer.status_code == 302
    assert User.objects.get(pk=anna.pk).language == ""
    after = client.get("/account/").content.decode()
    assert spoken(client) == "es"
    assert '<option value="de" selected>' in before
    assert '<option value="browser" selected>' in after
    assert "están en este idioma: Italiano." in after
    assert "Guardado." in after


@pytest.mark.feature("F032")
def test_a_long_work_has_no_browser_and_speaks_the_language_of_its_owners_site(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str | None] = []
    settings.JOB_KINDS = {"test": f"{__name__}:nothing"}
    monkeypatch.setattr(
        operations, "doer_of", lambda kind: lambda work: heard.append(translation.get_language())
    )
    anna = user("anna")
    line(site(language="it"), "201", anna)

    for chosen in ("", "de"):
        User.objects.filter(pk=anna.pk).update(language=chosen)
        job = Job.objects.create(kind="test", title="a work", owner=anna)
        with translation.override("ar"):
            run_job(job.pk, clock=now)

    assert heard == ["it", "de"]


@pytest.mark.feature("F032")
def test_administrators_give_a_site_its_language_and_leave_a_person_without_a_choice() -> None:
    milan, anna = site(), user("anna", language="de")
    dora = user("dora", Role.ADMIN, is_staff=True, language="en")
    client = browser(dora)

    def save(address: str, **values: Any) -> None:
        form = client.get(address).context["adminform"].form
        data = {
            name: form.get_initial_for_field(field, name) for name, field in form.fields.items()
        }
        for formset in client.get(address).context["inline_admin_formsets"]:
            prefix = formset.formset.management_form
            data |= {prefix.add_prefix(name): prefix[name].initial for name in prefix.fields}
        known = {name: value for name, value in data.items() if value is not None}
        listed = {
            name: ", ".join(map(str, value)) if isinstance(value, list) else value
            for name, value in known.items()
        }
        answer = client.post(address, {**listed, **values})
        assert answer.status_code == 302, answer.context["adminform"].form.errors

    save(f"/admin/directory/site/{milan.pk}/change/", language="it")
    save(f"/admin/directory/user/{anna.pk}/change/", language="")

    assert Site.objects.get(pk=milan.pk).language == "it"
    assert User.objects.get(pk=anna.pk).language == ""
