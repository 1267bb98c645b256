"""The account page, its sessions and tokens; help, errors, and the installed app."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from pytest_django import Settings

from directory.definitions import DEFINITIONS
from directory.models import ApiToken, Preferences, Site, User
from directory.operations.tokens import find_token, make_token
from directory.request_ids import NameRequest, RequestIds
from kernel.version import VERSION
from tests.support.pages import HOSTILE, PASSWORD, PagesWorld, pages_world

ACCOUNT = "/account/"


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def client_of(world: PagesWorld, who: str) -> Client:
    client = Client()
    client.force_login(world.people[who], "django.contrib.auth.backends.ModelBackend")
    return client


def signed_in(who: str, **more: Any) -> Client:
    client = Client(**more)
    client.post("/accounts/login/", {"login": who, "password": PASSWORD})
    return client


def save_words(client: Client, *, language: str = "en", time_zone: str = "") -> int:
    data = {"form": "words", "language": language, "time_zone": time_zone}
    return client.post(ACCOUNT, data).status_code


# --- language, zone, looks --------------------------------------------------------------------


@pytest.mark.feature("F031", "F032")
@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "ar"])
def test_the_language_is_chosen_once_and_counts_for_everything_from_then_on(
    world: PagesWorld, language: str
) -> None:
    client = client_of(world, "anna")

    save_words(client, language=language)

    page = client.get("/calls/", HTTP_ACCEPT_LANGUAGE="it")
    direction = "rtl" if language == "ar" else "ltr"
    assert f'<html lang="{language}" dir="{direction}"' in page.content.decode()
    assert page.headers["Content-Language"] == language
    assert User.objects.get(username="anna").language == language


@pytest.mark.feature("F030")
@pytest.mark.parametrize(
    ("language", "calls", "budgets", "rating"),
    [
        ("en", "Last calls", "My budgets", "not rated"),
        ("de", "Letzte Anrufe", "Meine Budgets", "nicht tarifiert"),
        ("fr", "Derniers appels", "Mes budgets", "non tarifé"),
        ("es", "Últimas llamadas", "Mis presupuestos", "sin tarificar"),
        ("it", "Ultime chiamate", "I miei budget", "non tariffata"),
        ("ar", "آخر المكالمات", "ميزانياتي", "غير مسعّرة"),
    ],
)
def test_each_of_the_six_languages_is_spoken_by_bar_page_and_figures(
    world: PagesWorld, language: str, calls: str, budgets: str, rating: str
) -> None:
    User.objects.filter(username="anna").update(language=language)
    world.call("anna", "+391", "OA", charge=None)

    text = unescape(client_of(world, "anna").get("/").content.decode())

    bar, _, page = text.partition("<main")
    assert budgets in bar
    assert ">English</option>" in bar
    assert calls in page
    assert rating in page


@pytest.mark.feature("F031")
def test_arabic_is_laid_out_from_right_to_left_and_numbers_stay_as_they_are(
    world: PagesWorld,
) -> None:
    pages = {}
    for language in ("en", "ar"):
        User.objects.filter(username="anna").update(language=language)
        pages[language] = client_of(world, "anna").get("/").content.decode()

    assert "/tabler.rtl.min.css" in pages["ar"]
    assert "/tabler.min.css" not in pages["ar"]
    assert "/tabler.rtl.min.css" not in pages["en"]
    for page in pages.values():
        assert '<bdi dir="ltr">+39026677****</bdi>' in page
        assert '<bdi dir="ltr">201</bdi>' in page
        assert '<bdi dir="ltr">00:01:00</bdi>' in page


@pytest.mark.feature("F033")
def test_the_time_zone_is_found_by_its_place_and_all_times_follow(world: PagesWorld) -> None:
    client = client_of(world, "anna")
    call = world.calls["own"]

    assert save_words(client, time_zone="asia/kolkata") == 302

    assert User.objects.get(username="anna").time_zone == "Asia/Kolkata"
    text = client.get(f"/calls/{call.pk}/").content.decode()
    local = call.started_at.astimezone(ZoneInfo("Asia/Kolkata"))
    assert local.isoformat() in text
    assert "Times are in Asia/Kolkata." in text


def test_what_is_no_time_zone_is_refused_and_the_form_keeps_what_was_typed(
    world: PagesWorld,
) -> None:
    client = client_of(world, "anna")
    data = {"form": "words", "language": "de", "time_zone": "Atlantis/Deep"}

    answer = client.post(ACCOUNT, data)

    assert answer.status_code == 422
    assert "Atlantis/Deep" in answer.content.decode()
    assert User.objects.get(username="anna").language == ""


def test_looks_are_remembered_for_the_person_and_count_on_every_page(world: PagesWorld) -> None:
    client = client_of(world, "anna")

    client.post(ACCOUNT, {"form": "looks", "theme": "dark", "rows": "100"})

    kept = Preferences.objects.get(user=world.people["anna"])
    assert (kept.theme, kept.page_sizes, kept.has_shortcuts, kept.is_live) == (
        "dark",
        {"*": 100},
        False,
        False,
    )
    text = client.get("/help/").content.decode()
    assert 'data-theme="dark"' in text
    assert "data-shortcuts" not in text
    assert 'data-theme="auto"' in client_of(world, "ben").get("/help/").content.decode()


# --- how numbers look -------------------------------------------------------------------------


@pytest.mark.feature("X01", "F057")
@pytest.mark.parametrize(
    ("site", "own", "sample", "counts"),
    [
        (4, None, "+39026677****", "Strictest office"),
        (2, 7, "+39026*******", "For you alone"),
        (6, 3, "+390266******", "Strictest office"),
    ],
)
def test_the_preview_shows_the_mask_in_force_and_the_rule_behind_it(
    world: PagesWorld, site: int, own: int | None, sample: str, counts: str
) -> None:
    Site.objects.update(mask_digits=site)
    User.objects.filter(username="anna").update(mask_digits=own)

    text = client_of(world, "anna").get(ACCOUNT).content.decode()

    assert f'<bdi dir="ltr">{sample}</bdi>' in text
    row = next(row for row in text.split("<tr>") if "counts</span>" in row)
    assert counts in row
    listed = client_of(world, "anna").get("/calls/?period=all").content.decode()
    assert sample in listed


# --- sessions ---------------------------------------------------------------------------------


@pytest.mark.feature("F027")
def test_the_reader_sees_his_browsers_and_signs_one_out(world: PagesWorld) -> None:
    here = signed_in("anna", HTTP_USER_AGENT="Mozilla/5.0 (Windows) Chrome/1 Safari/1 Edg/1")
    there = signed_in("anna", HTTP_USER_AGENT="Mozilla/5.0 (iPhone) Version/1 Safari/1")
    text = here.get("/account/sessions/").content.decode()

    ended = UserSession.objects.get(session_key=there.session.session_key)
    here.post(f"/account/sessions/{ended.pk}/end/")

    assert "Edge on Windows" in text
    assert "Safari on iPhone" in text
    assert there.get(ACCOUNT).status_code == 302
    assert here.get(ACCOUNT).status_code == 200


@pytest.mark.feature("F027")
def test_signing_out_everywhere(world: PagesWorld) -> None:
    here, there, elsewhere = signed_in("anna"), signed_in("anna"), signed_in("ben")

    here.post("/account/sessions/end/")
    after_others = [client.get(ACCOUNT).status_code for client in (here, there, elsewhere)]
    again = signed_in("anna")
    here.post("/account/sessions/end/", {"everywhere": "1"})
    after_all = [client.get(ACCOUNT).status_code for client in (here, again, elsewhere)]

    assert after_others == [200, 302, 200]
    assert after_all == [302, 302, 200]


@pytest.mark.feature("F027")
@pytest.mark.parametrize("where", [{}, {"everywhere": "1"}])
def test_signing_out_ends_tokens_where_that_is_ticked(
    world: PagesWorld, where: dict[str, str]
) -> None:
    here = signed_in("anna")
    silent = here.get("/account/sessions/").content.decode()
    program = Client(HTTP_AUTHORIZATION=f"Token {made_token(here)}")
    offered = here.get("/account/sessions/").content.decode()
    make_token(world.people["ben"], name="export", at=world.now)

    here.post("/account/sessions/end/", where)
    after_browsers = program.get("/api/v1/calls/").status_code
    answer = signed_in("anna").post("/account/sessions/end/", {**where, "tokens": "1"}, follow=True)

    assert 'name="tokens"' not in silent
    assert 'name="tokens"' in offered
    assert after_browsers == 200
    assert program.get("/api/v1/calls/").status_code == 401
    assert "Your tokens are revoked" in answer.content.decode()
    assert [token.user for token in ApiToken.objects.all()] == [world.people["ben"]]


def test_who_changes_the_password_is_told_that_tokens_stay(world: PagesWorld) -> None:
    page = signed_in("anna").get("/accounts/password/change/").content.decode()

    assert "Your tokens for programs stay valid." in page
    assert 'href="/account/#tokens"' in page


def test_nobody_ends_the_session_of_somebody_else(world: PagesWorld) -> None:
    ben, anna = signed_in("ben"), signed_in("anna")
    session = UserSession.objects.get(session_key=ben.session.session_key)

    answer = anna.post(f"/account/sessions/{session.pk}/end/", follow=True)

    assert "ended already" in answer.content.decode()
    assert ben.get(ACCOUNT).status_code == 200


def test_each_field_of_a_new_password_is_named_once(world: PagesWorld) -> None:
    page = signed_in("anna").get("/accounts/password/change/").content.decode()

    for label in ("Current password", "New password", "New password again"):
        assert len(re.findall(rf">{label}\s*<", page)) == 1
    assert 'placeholder="New' not in page


def test_a_new_password_signs_other_browsers_out(world: PagesWorld) -> None:
    here, there = signed_in("anna"), signed_in("anna")
    new = "nine-lives-of-a-cat"

    here.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )

    assert here.get(ACCOUNT).status_code == 200
    assert there.get(ACCOUNT).status_code == 302


# --- tokens -----------------------------------------------------------------------------------


def made_token(client: Client) -> str:
    page = client.post("/account/tokens/", {"name": "export"}).content.decode()
    found = re.search(r"tg_[\w-]{43}", page)
    assert found
    return found.group()


def test_a_token_is_shown_once_and_kept_as_a_hash_only(world: PagesWorld) -> None:
    client = client_of(world, "anna")
    text = made_token(client)

    row = ApiToken.objects.get()
    assert text not in client.get(ACCOUNT).content.decode()
    assert row.start == text[:8]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM directory_apitoken")
        assert text not in str(cursor.fetchall())


def test_a_token_opens_what_its_owner_sees_until_it_is_revoked(world: PagesWorld) -> None:
    client = client_of(world, "anna")
    program = Client(HTTP_AUTHORIZATION=f"Token {made_token(client)}")

    seen = program.get("/api/v1/calls/").json()["results"]
    foreign = program.get(f"/api/v1/calls/{world.calls['foreign'].pk}/").status_code
    token = ApiToken.objects.get()
    client.post(f"/account/tokens/{token.pk}/revoke/")

    assert seen
    assert foreign == 404
    assert token.used_at is not None
    assert program.get("/api/v1/calls/").status_code == 401


def test_a_token_dies_with_its_owners_account(world: PagesWorld) -> None:
    program = Client(HTTP_AUTHORIZATION=f"Token {made_token(client_of(world, 'anna'))}")
    User.objects.filter(username="anna").update(is_active=False)

    assert program.get("/api/v1/calls/").status_code == 401


def test_nobody_revokes_the_token_of_somebody_else(world: PagesWorld) -> None:
    token, _ = make_token(world.people["anna"], name="export", at=world.now)

    client_of(world, "ben").post(f"/account/tokens/{token.pk}/revoke/")

    assert ApiToken.objects.filter(pk=token.pk).exists()


def test_use_is_noted_once_an_hour(world: PagesWorld) -> None:
    _, text = make_token(world.people["anna"], name="export", at=world.now)
    noted = []
    for minutes in (0, 30, 61):
        find_token(text, at=world.now + timedelta(minutes=minutes))
        noted.append(ApiToken.objects.get().used_at)

    assert noted == [world.now, world.now, world.now + timedelta(minutes=61)]
    assert find_token(text + "x", at=world.now) is None


def test_nobody_has_tokens_without_end(world: PagesWorld) -> None:
    client = client_of(world, "anna")
    for _ in range(20):
        make_token(world.people["anna"], name="one", at=world.now)

    answer = client.post("/account/tokens/", {"name": "one more"}, follow=True)

    assert "At most 20 tokens" in answer.content.decode()
    assert ApiToken.objects.count() == 20


# --- help -------------------------------------------------------------------------------------


def test_help_defines_every_figure_names_the_role_and_whom_to_ask(world: PagesWorld) -> None:
    text = client_of(world, "cleo").get("/help/").content.decode()

    for figure in DEFINITIONS.values():
        assert str(figure.label) in unescape(text)
    assert re.search(r'Supervisor <span class="tg-badge info">you', text)
    assert "frank@example.com" in text
    assert VERSION in text


def test_the_way_to_help_stands_in_the_same_place_on_every_page(world: PagesWorld) -> None:
    client = client_of(world, "frank")
    feet = set()
    for path in ("/calls/", "/account/", "/search/", "/help/", "/phone/"):
        feet.add(
            client.get(path).content.decode().partition("tg-foot")[2].partition("</footer>")[0]
        )

    assert len(feet) == 1
    assert 'href="/help/" data-help' in feet.pop()


# --- errors -----------------------------------------------------------------------------------


def test_every_answer_has_an_id_and_the_log_and_the_error_page_name_the_same(
    world: PagesWorld,
) -> None:
    client = client_of(world, "anna")
    missing, forbidden = client.get("/nothing/here/"), client.get("/system/")

    for answer, status in ((missing, 404), (forbidden, 403)):
        assert answer.status_code == status
        text = answer.content.decode()
        assert answer.headers["X-Request-ID"] in text
        assert 'href="/"' in text
    assert "ask your administrator" in forbidden.content.decode()
    assert missing.headers["X-Request-ID"] != forbidden.headers["X-Request-ID"]


def test_a_fault_of_ours_is_told_without_the_database(
    world: PagesWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(world, "anna")
    client.raise_request_exception = False

    def broken(*args: object, **kwargs: object) -> HttpResponse:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("directory.views.help.Help.get_context_data", broken)
    caplog.handler.addFilter(NameRequest())
    answer = client.get("/help/")

    assert answer.status_code == 500
    identity = answer.headers["X-Request-ID"]
    assert identity in answer.content.decode()
    assert "the disk is gone" not in answer.content.decode()
    assert {record.request_id for record in caplog.records if record.levelno >= logging.ERROR} == {  # type: ignore[attr-defined]
        identity
    }


@pytest.mark.parametrize("name", ["400", "403_csrf", "500", "offline"])
def test_the_last_pages_ask_the_database_nothing_and_speak_the_language(name: str) -> None:
    # without the mark for the database, any question would fail this test
    with translation.override("ar"):
        text = render_to_string(f"{name}.html")

    assert '<html lang="ar" dir="rtl"' in text
    assert 'href="/"' in text
    assert "<script>" not in text


def test_an_id_from_a_proxy_is_kept_and_nonsense_is_not() -> None:
    kept = RequestIds(lambda request: HttpResponse())
    factory = RequestFactory()

    def identity(given: str) -> str:
        request: HttpRequest = factory.get("/", HTTP_X_REQUEST_ID=given)
        return kept(request).headers["X-Request-ID"]

    assert identity("3f9c2e1a-7b04") == "3f9c2e1a-7b04"
    assert identity("x\nERROR forged") != "x\nERROR forged"
    assert re.fullmatch(r"[0-9a-f]{12}", identity(""))


def test_too_many_tries_in_a_minute_are_a_page_too(world: PagesWorld, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip"}
    client = Client()
    for _ in range(2):
        client.post("/accounts/login/", {"login": "anna", "password": "no"})

    answer = client.post("/accounts/login/", {"login": "anna", "password": "no"})

    assert answer.status_code == 429
    assert "Wait a minute" in answer.content.decode()


def test_a_form_without_its_token_is_explained(world: PagesWorld) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/accounts/login/", {"login": "anna", "password": PASSWORD})

    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()


# --- the installed app ------------------------------------------------------------------------


def test_the_site_can_be_installed_as_an_app(world: PagesWorld) -> None:
    client = Client()
    page = client.get("/accounts/login/").content.decode()
    answer = client.get("/manifest.webmanifest", HTTP_ACCEPT_LANGUAGE="ar")
    manifest = json.loads(answer.content)

    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    assert answer.headers["Content-Type"] == "application/manifest+json"
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == (
        "/",
        "/",
        "standalone",
    )
    assert (manifest["lang"], manifest["dir"]) == ("ar", "rtl")
    assert {icon["sizes"] for icon in manifest["icons"]} == {"192x192", "512x512"}
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}


def test_the_service_worker_keeps_the_offline_page_and_nothing_of_anybody(
    world: PagesWorld,
) -> None:
    client = client_of(world, "anna")
    script = client.get("/service-worker.js")
    offline = client.get("/offline/").content.decode()

    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "PAGE" in script.content.decode()
    assert "cache.put(event.request" not in script.content.decode()
    assert "Rossi" not in offline
    assert "csrf" not in offline


def test_the_account_page_of_a_hostile_name_runs_nothing(db: None) -> None:
    world = pages_world(timezone.now(), name=HOSTILE)
    client = client_of(world, "cleo")
    make_token(world.people["cleo"], name=HOSTILE[:100], at=world.now)

    for path in (ACCOUNT, "/account/sessions/", "/help/"):
        text = client.get(path).content.decode()
        assert "<svg onload" not in text
        assert "<script>alert" not in text
