"""Signing in: one answer to everything that is wrong, limits, second factors, the way back."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from auditlog.models import LogEntry
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from billingsite.demo import load
from directory.accounts import SecondFactors
from directory.models import User
from directory.operations.tokens import make_token
from tests.support.pages import PASSWORD, PagesWorld, pages_world

LOGIN = "/accounts/login/"
DEMO = "/accounts/demo/"


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def sign_in(client: Client, name: str, password: str, **more: str) -> str:
    """The answer to a try: the text of the page, or where it leads."""
    answer = client.post(LOGIN, {"login": name, "password": password, **more})
    return answer.headers.get("Location") or answer.content.decode()


def signed_in(world: PagesWorld, name: str) -> Client:
    client = Client()
    assert sign_in(client, name, PASSWORD) == "/"
    return client


# --- one answer -------------------------------------------------------------------------------


@pytest.mark.feature("F025")
def test_whatever_is_wrong_the_answer_is_the_same(world: PagesWorld) -> None:
    User.objects.filter(username="ben").update(is_active=False)
    unusable = world.people["dora"]
    unusable.set_unusable_password()
    unusable.save()
    tries = [("anna", "wrong-password"), ("nobody-here", "x" * 12), ("ben", PASSWORD)]

    errors = set()
    for name, password in [*tries, ("dora", PASSWORD)]:
        page = sign_in(Client(), name, password)
        errors.add(page.partition('role="alert"')[2].partition("</div>")[0])

    assert len(errors) == 1
    assert "do not fit together" in errors.pop()


@pytest.mark.feature("F025")
def test_the_form_is_spelt_as_password_managers_expect(client: Client, world: PagesWorld) -> None:
    text = client.get(LOGIN).content.decode()

    assert 'autocomplete="username"' in text
    assert 'autocomplete="current-password"' in text
    assert "data-show-password" in text
    assert "onpaste" not in text
    assert 'autocomplete="off"' not in text


# --- limits -----------------------------------------------------------------------------------


@pytest.mark.feature("F025")
def test_the_sixth_try_of_a_name_has_to_wait_even_with_the_right_password(
    world: PagesWorld,
) -> None:
    for _ in range(5):
        assert "do not fit" in sign_in(Client(), "anna", "wrong-password")

    limited = sign_in(Client(), "anna", PASSWORD)

    assert "Try again in 5 minutes" in limited
    assert sign_in(Client(), "ben", PASSWORD) == "/"


@pytest.mark.feature("F025")
def test_the_minutes_to_wait_become_fewer(
    world: PagesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        sign_in(Client(), "anna", "wrong-password")
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began + 200)

    assert "Try again in 2 minutes" in sign_in(Client(), "anna", PASSWORD)

    monkeypatch.setattr(time, "time", lambda: began + 400)
    assert sign_in(Client(), "anna", PASSWORD) == "/"


def test_a_closed_account_cannot_be_tried_without_end(world: PagesWorld) -> None:
    User.objects.filter(username="anna").update(is_active=False)
    for _ in range(5):
        sign_in(Client(), "anna", PASSWORD)

    assert "Try again in" in sign_in(Client(), "anna", PASSWORD)


def test_one_address_may_not_try_many_names(world: PagesWorld, settings: Settings) -> None:
    here = Client(REMOTE_ADDR="198.51.100.7")
    for number in range(20):
        assert "do not fit" in sign_in(here, f"name{number}", "wrong-password")

    assert "Try again in" in sign_in(here, "name99", "wrong-password")
    assert "do not fit" in sign_in(Client(REMOTE_ADDR="198.51.100.8"), "name99", "wrong-password")


def test_a_proxy_of_ours_is_not_taken_for_the_visitor(
    world: PagesWorld, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    for number in range(20):
        behind = Client(REMOTE_ADDR="10.1.2.3", HTTP_X_FORWARDED_FOR="198.51.100.7")
        sign_in(behind, f"name{number}", "wrong-password")

    other = Client(REMOTE_ADDR="10.1.2.3", HTTP_X_FORWARDED_FOR="198.51.100.8")
    forged = Client(REMOTE_ADDR="10.1.2.3", HTTP_X_FORWARDED_FOR="1.2.3.4, 198.51.100.7")

    assert "do not fit" in sign_in(other, "name99", "wrong-password")
    assert "Try again in" in sign_in(forged, "name99", "wrong-password")


def test_no_crowd_of_other_names_makes_a_wrong_password_forgotten(world: PagesWorld) -> None:
    for _ in range(5):
        sign_in(Client(), "anna", "wrong-password")
    for number in range(400):  # what as many names and addresses leave behind
        cache.set(f"allauth:rl:of-somebody-{number}", [time.time()], 300)
    cache.set("zz", 1)

    assert "Too many attempts" in sign_in(Client(), "anna", PASSWORD)


# --- the way back -----------------------------------------------------------------------------


@pytest.mark.feature("F025")
def test_a_session_that_ran_out_comes_back_to_its_page(world: PagesWorld) -> None:
    client = Client()
    asked = client.get("/calls/?kind=missed")
    target = asked.headers["Location"]
    page = client.get(target).content.decode()

    assert target == "/accounts/login/?next=/calls/%3Fkind%3Dmissed"
    assert "to the page you asked for" in page
    assert sign_in(client, "anna", PASSWORD, next="/calls/?kind=missed") == "/calls/?kind=missed"


def test_a_live_part_of_a_page_whose_session_ran_out_sends_the_whole_page_to_sign_in(
    world: PagesWorld,
) -> None:
    answer = Client().get(
        "/", HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL="http://testserver/calls/?kind=missed"
    )

    assert answer.status_code == 200
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=%2Fcalls%2F%3Fkind%3Dmissed"
    assert answer.content == b""


@pytest.mark.feature("F025")
@pytest.mark.parametrize(
    ("path", "words", "referer", "back"),
    [
        ("/budgets/7/adjust/", {}, "http://testserver/budgets/7/", "/budgets/7/"),
        ("/budgets/7/adjust/", {}, "https://evil.example/budgets/7/", "/"),
        ("/budgets/7/adjust/", {}, "", "/"),
        ("/phone/users/many/", {}, "http://testserver/phone/users/many/", "/"),
        ("/phone/users/many/", {"next": "/phone/users/?state=x"}, "", "/phone/users/?state=x"),
        ("/contacts/new/?book=company", {}, "", "/contacts/new/?book=company"),
        ("/setup/mail/", {}, "http://testserver/setup/mail/", "/setup/mail/"),
        ("/setup/put-away/", {}, "http://testserver/calls/?page=2", "/calls/?page=2"),
    ],
)
def test_a_form_whose_session_ran_out_comes_back_to_a_page_and_says_so(
    world: PagesWorld, path: str, words: dict[str, str], referer: str, back: str
) -> None:
    client = Client(HTTP_REFERER=referer)

    answer = client.post(path, words)
    page = client.get(answer.headers["Location"]).content.decode()

    assert answer.headers["Location"] == f"{LOGIN}?{urlencode({'next': back}, safe='/')}"
    assert "You were signed out meanwhile. Nothing was changed" in page


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
def test_nobody_is_sent_elsewhere_by_signing_in(world: PagesWorld, target: str) -> None:
    assert sign_in(Client(), "anna", PASSWORD, next=target) == "/"


@pytest.mark.feature("F032")
def test_strangers_choose_a_language_before_they_sign_in(world: PagesWorld) -> None:
    client = Client()
    client.post("/account/language/", {"language": "ar", "next": LOGIN})

    text = client.get(LOGIN).content.decode()

    assert '<html lang="ar" dir="rtl"' in text


@pytest.mark.feature("F032")
@pytest.mark.parametrize(
    ("asked", "spoken"), [("fr-CH, fr;q=0.9, en;q=0.8", "fr"), ("pt, de;q=0.5", "de"), ("pt", "en")]
)
def test_strangers_are_spoken_to_as_their_browser_asks_and_in_english_else(
    world: PagesWorld, asked: str, spoken: str
) -> None:
    text = Client().get(LOGIN, HTTP_ACCEPT_LANGUAGE=asked).content.decode()

    assert f'<html lang="{spoken}" dir="ltr"' in text


# --- second factors ---------------------------------------------------------------------------


def show_it_is_you(client: Client) -> None:
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def enrolled(client: Client) -> tuple[str, str]:
    """Switch the authenticator app on; gives its secret and the page of recovery codes."""
    show_it_is_you(client)
    page = client.get("/accounts/2fa/totp/activate/")
    secret = page.context["form"].secret
    code = totp.format_hotp_value(
        totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time()))
    )
    answer = client.post("/accounts/2fa/totp/activate/", {"code": code}, follow=True)
    return secret, answer.content.decode()


@pytest.mark.feature("F025")
def test_a_second_factor_is_set_up_by_scanning_and_typing(world: PagesWorld) -> None:
    client = signed_in(world, "anna")
    show_it_is_you(client)
    page = client.get("/accounts/2fa/totp/activate/").content.decode()

    secret, codes = enrolled(client)

    assert '<svg viewBox="0 0' in page
    assert "data:image" not in page
    assert codes.count("<li><code>") == 10
    stored = Authenticator.objects.get(user=world.people["anna"], type="totp")
    assert secret not in json.dumps(stored.data)


@pytest.mark.feature("F025")
def test_the_fields_of_second_factors_are_named_once_and_in_the_readers_language(
    world: PagesWorld,
) -> None:
    client = signed_in(world, "anna")
    show_it_is_you(client)
    User.objects.filter(pk=world.people["anna"].pk).update(language="ar")

    of_the_app = client.get("/accounts/2fa/totp/activate/").content.decode()
    of_a_key = client.get("/accounts/2fa/webauthn/add/").content.decode()

    assert ">الرمز" in of_the_app
    assert 'placeholder="الرمز"' not in of_the_app
    assert 'placeholder="Code"' not in of_the_app
    assert ">الاسم" in of_a_key


@pytest.mark.feature("F025")
def test_an_administrator_lets_somebody_in_who_lost_the_phone(world: PagesWorld) -> None:
    enrolled(signed_in(world, "anna"))
    people = {"action": "take_second_factors", "_selected_action": [world.people["anna"].pk]}

    refused = signed_in(world, "cleo").post("/admin/directory/user/", people)
    still_asked = sign_in(Client(), "anna", PASSWORD, next="/calls/")
    page = signed_in(world, "frank").post("/admin/directory/user/", people, follow=True)

    assert refused.status_code in (302, 403)
    assert still_asked == "/accounts/2fa/authenticate/"
    assert "2 second factors of Anna Rossi were removed." in page.content.decode()
    assert sign_in(Client(), "anna", PASSWORD, next="/calls/") == "/calls/"
    assert LogEntry.objects.filter(content_type__model="authenticator", action=2).count() == 2


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (("frank",), "Take your own second factor away under your account."),
        (("anna", "ben"), "Tick one person only."),
    ],
)
def test_second_factors_are_taken_from_one_other_person(
    world: PagesWorld, who: tuple[str, ...], said: str
) -> None:
    client = signed_in(world, "frank")
    enrolled(client if who[0] == "frank" else signed_in(world, who[0]))
    chosen = [world.people[name].pk for name in who]

    page = client.post(
        "/admin/directory/user/",
        {"action": "take_second_factors", "_selected_action": chosen},
        follow=True,
    )

    assert said in page.content.decode()
    assert Authenticator.objects.filter(user=world.people[who[0]]).exists()


def test_with_a_second_factor_the_password_alone_opens_nothing(world: PagesWorld) -> None:
    secret, codes = enrolled(signed_in(world, "anna"))
    recovery = codes.partition("<li><code>")[2].partition('dir="ltr">')[2].partition("<")[0]
    client = Client()

    second = sign_in(client, "anna", PASSWORD, next="/calls/")

    assert second == "/accounts/2fa/authenticate/"
    assert client.get("/calls/").status_code == 302
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000"}).content.decode()
    assert "This code is not right" in wrong
    right = client.post("/accounts/2fa/authenticate/", {"code": recovery})
    assert right.headers["Location"] == "/calls/"
    assert client.get("/calls/").status_code == 200
    again = Client()
    sign_in(again, "anna", PASSWORD)
    assert again.post("/accounts/2fa/authenticate/", {"code": recovery}).status_code == 200
    del secret


@pytest.mark.feature("F025")
def test_a_code_of_the_app_counts_once_for_as_long_as_it_is_shown_right(world: PagesWorld) -> None:
    secret, _ = enrolled(signed_in(world, "anna"))
    noon = datetime.now(UTC).replace(second=1, microsecond=0) + timedelta(minutes=5)
    code = totp.format_hotp_value(totp.hotp_value(secret, int(noon.timestamp()) // 30))
    answers = []

    for later in (0, 20, 35, 50):  # the last ones when the app shows another already
        with time_machine.travel(noon + timedelta(seconds=later), tick=False):
            client = Client()
            sign_in(client, "anna", PASSWORD)
            answers.append(client.post("/accounts/2fa/authenticate/", {"code": code}).status_code)

    assert answers == [302, 200, 200, 200]


def test_without_the_key_of_the_installation_the_stored_secret_opens_nothing(
    world: PagesWorld, settings: Settings
) -> None:
    secret, _ = enrolled(signed_in(world, "anna"))
    stored = Authenticator.objects.get(user=world.people["anna"], type="totp").data["secret"]

    assert secret not in stored
    assert len(stored) > 80


def test_administrators_must_set_a_second_factor_up_where_it_is_asked_for(
    world: PagesWorld, settings: Settings
) -> None:
    settings.MFA_REQUIRED_FOR_ADMINS = True
    administrator, user = signed_in(world, "frank"), signed_in(world, "anna")

    asked = administrator.get("/calls/")

    assert asked.headers["Location"] == "/accounts/2fa/totp/activate/"
    assert administrator.get("/api/v1/calls/").status_code == 403
    assert administrator.get(asked.headers["Location"], follow=True).status_code == 200
    assert user.get("/calls/").status_code == 200
    enrolled(administrator)
    assert administrator.get("/calls/").status_code == 200


def test_a_token_waits_for_its_owners_second_factor_too(
    world: PagesWorld, settings: Settings
) -> None:
    _token, text = make_token(world.people["frank"], name="export", at=world.now)
    program = Client(HTTP_AUTHORIZATION=f"Token {text}")
    before = program.get("/api/v1/calls/").status_code

    settings.MFA_REQUIRED_FOR_ADMINS = True
    without = program.get("/api/v1/calls/").status_code
    enrolled(signed_in(world, "frank"))
    with_one = program.get("/api/v1/calls/").status_code

    assert (before, without, with_one) == (200, 401, 200)


def test_before_a_second_factor_changes_the_reader_shows_that_it_is_he(world: PagesWorld) -> None:
    client = signed_in(world, "anna")
    answer = client.get("/accounts/2fa/totp/activate/")

    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    page = client.get(answer.headers["Location"]).content.decode()
    assert "Is it you?" in page


@pytest.mark.feature("F025")
def test_the_other_ways_are_said_in_our_words_and_a_new_key_has_a_number_of_its_own(
    world: PagesWorld,
) -> None:
    anna = world.people["anna"]
    client = signed_in(world, "anna")
    show_it_is_you(client)
    enrolled(client)
    for name in ("Key 1", "Blue key", "Key 3"):
        data: dict[str, object] = {"name": name, "credential": {}}
        Authenticator.objects.create(user=anna, type="webauthn", data=data)

    with_a_code = client.get("/accounts/2fa/reauthenticate/").content.decode()
    keys = client.get("/accounts/2fa/").content.decode()
    adapter = SecondFactors()

    assert ">Use a code</a>" not in with_a_code
    assert ">Use a security key</a>" in with_a_code
    assert ">Use your password</a>" in with_a_code
    assert "six digits that your authenticator app shows now" in with_a_code
    assert "3 keys</span>" in keys
    assert adapter.generate_authenticator_name(anna, Authenticator.Type.WEBAUTHN) == "Key 2"


# --- the demo's cards -------------------------------------------------------------------------


@pytest.fixture
def demo(world: PagesWorld, data_dir: Path, settings: Settings) -> Path:
    settings.SITE_URL = "http://127.0.0.1:8000"
    settings.SECURE_COOKIES = False
    (data_dir / "demo").mkdir()
    password = load.password(data_dir)
    User.objects.create_user(username="giulia.ferri", password=password, language="it")
    return data_dir


def test_the_demo_signs_its_people_in_by_a_click(demo: Path) -> None:
    client = Client()
    page = client.get(f"{LOGIN}?next=/calls/").content.decode()

    answer = client.post(DEMO, {"who": "giulia.ferri", "next": "/calls/"})

    assert page.count('tg-demo-card"') == 4
    assert answer.headers["Location"] == "/calls/"
    assert client.get("/calls/").status_code == 200


def test_only_the_four_and_only_by_post_and_with_the_forms_token(demo: Path) -> None:
    checked = Client(enforce_csrf_checks=True)

    assert Client().post(DEMO, {"who": "frank"}).status_code == 404
    assert Client().get(DEMO, {"who": "giulia.ferri"}).status_code == 405
    assert checked.post(DEMO, {"who": "giulia.ferri"}).status_code == 403


def test_somebody_who_changed_his_password_is_not_signed_in_by_a_click(demo: Path) -> None:
    changed = User.objects.get(username="giulia.ferri")
    changed.set_password("another-one-entirely")
    changed.save()

    answer = Client().post(DEMO, {"who": "giulia.ferri"}, follow=True)

    assert "Type the new one" in answer.content.decode()
    assert not answer.wsgi_request.user.is_authenticated


@pytest.mark.parametrize(
    "change",
    [
        {"SITE_URL": "http://tollgate.example"},
        {"SECURE_COOKIES": True},
        {"DATA_DIR": Path("/none")},
    ],
)
def test_there_are_no_cards_anywhere_but_in_a_demo(
    demo: Path, settings: Settings, change: dict[str, object]
) -> None:
    for name, value in change.items():
        setattr(settings, name, value)

    assert "tg-demo" not in Client().get(LOGIN).content.decode()
    assert Client().post(DEMO, {"who": "giulia.ferri"}).status_code == 404
