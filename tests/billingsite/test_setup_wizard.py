"""The pages of the set-up: who gets in, what each step keeps, and how each test fails."""

from __future__ import annotations

import stat

import pytest
from django.test import Client
from pytest_django import Settings

from alarms.queries.mail_server import mail_config
from billingsite.models import SetupStep
from billingsite.setup.claim import claim_address, claim_token, token_path
from billingsite.setup.steps import STEPS
from directory.installation import installation_path, stored_installation
from directory.models import Role, Site, User
from directory.queries.homes import installation_currency, installation_zone
from tests.support.first_setup import CALLS, PASSWORD, NewAdministrator
from tests.support.smtp import MailSink, free_port, running

pytestmark = pytest.mark.django_db

MAIL = {
    "host": "127.0.0.1",
    "port": "",
    "security": "none",
    "username": "",
    "password": "",
    "sender": "Tollgate <tollgate@example.com>",
    "recipient": "ada@example.com",
}
STEP_PAGES = [step.key.value for step in STEPS]


@pytest.fixture
def ada() -> NewAdministrator:
    """An administrator who has just been made."""
    ada = NewAdministrator()
    ada.become_administrator()
    return ada


@pytest.fixture
def ready(ada: NewAdministrator) -> NewAdministrator:
    """An administrator behind the last step."""
    ada.set_everything_up()
    return ada


# --- The door -----------------------------------------------------------------------------------


def test_nobody_gets_in_without_the_printed_address() -> None:
    stranger = Client()

    answers = {page: stranger.get(f"/setup/{page}/") for page in STEP_PAGES}
    claimed = stranger.post("/setup/administrator/", {"username": "mallory"})

    assert {answer.status_code for answer in answers.values()} == {403}
    assert "it prints an address" in answers["language"].content.decode()
    assert claimed.status_code == 403
    assert not User.objects.exists()


@pytest.mark.parametrize("word", ["wrong", "x" * 32, "%00", "é", "..%2F..%2Fsetup_token"])
def test_a_wrong_word_opens_nothing(word: str) -> None:
    claim_token()
    stranger = Client()

    answer = stranger.get(f"/setup/start/{word}/")

    assert answer.status_code in (403, 404)
    assert stranger.get("/setup/language/").status_code == 403


def test_the_sign_in_page_of_an_untouched_installation_says_what_to_do() -> None:
    answer = Client().get("/", follow=True)

    assert answer.status_code == 403
    assert "Tollgate is waiting to be set up" in answer.content.decode()


def test_the_word_is_for_its_owner_only_and_stays_until_it_is_used() -> None:
    first, second = claim_token(), claim_address("http://127.0.0.1:8000")

    assert stat.S_IMODE(token_path().stat().st_mode) == 0o600
    assert len(first) >= 32
    assert second == f"http://127.0.0.1:8000/setup/start/{first}/"


def test_the_first_to_come_sees_two_steps_and_is_led_there_from_everywhere_else() -> None:
    first = NewAdministrator()
    first.come_with_the_address()

    answers = {page: first.client.get(f"/setup/{page}/") for page in STEP_PAGES}
    answers["checklist"] = first.client.get("/setup/")

    assert answers.pop("language").status_code == 200
    assert answers.pop("administrator").status_code == 200
    assert {answer.headers["Location"] for answer in answers.values()} == {"/setup/language/"}
    assert first.post("language", {}, "skip").status_code == 403


def test_the_word_makes_one_administrator_and_no_second() -> None:
    ada, mallory = NewAdministrator(), NewAdministrator()
    mallory.come_with_the_address()
    word = claim_token()
    ada.become_administrator()

    late = mallory.post(
        "administrator",
        {"username": "mallory", "password1": PASSWORD, "password2": PASSWORD},
    )
    again = Client().get(f"/setup/start/{word}/")

    assert late.headers["Location"].startswith("/accounts/login/")
    assert again.headers["Location"].startswith("/accounts/login/")
    assert not token_path().exists()
    assert claim_address("http://x") == ""
    assert list(User.objects.values_list("username", "role")) == [("ada", Role.ADMIN)]


def test_a_weak_password_makes_nobody_and_the_word_stays() -> None:
    first = NewAdministrator()
    first.come_with_the_address()

    answer = first.post(
        "administrator", {"username": "ada", "password1": "short", "password2": "short"}
    )

    assert answer.status_code == 422
    assert "at least 12 characters" in answer.content.decode()
    assert token_path().exists()
    assert not User.objects.exists()


def test_another_administrator_is_made_by_an_administrator(ada: NewAdministrator) -> None:
    values = {"username": "bea", "password1": PASSWORD, "password2": PASSWORD}

    answer = ada.post("administrator", values)
    twice = ada.post("administrator", {**values, "username": "BEA"})
    client = Client()

    assert answer.headers["Location"] == "/setup/mail/"
    assert twice.status_code == 422
    assert client.login(username="bea", password=PASSWORD)
    assert client.get("/setup/").status_code == 200


def test_other_people_have_no_business_here(ada: NewAdministrator) -> None:
    user = User.objects.create_user("ben", password=PASSWORD)
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")

    assert {client.get(f"/setup/{page}/").status_code for page in STEP_PAGES} == {403}
    assert client.post("/setup/put-away/").status_code == 403


# --- The installation ---------------------------------------------------------------------------


def test_what_is_chosen_holds_at_once_and_the_environment_comes_first(
    ada: NewAdministrator, settings: Settings
) -> None:
    ada.post("language", {"language": "it", "time_zone": "Europe/Rome", "currency": "EUR"})
    chosen = (installation_zone(), installation_currency())
    settings.INSTALLATION_TIME_ZONE = "Asia/Tokyo"

    page = ada.client.get("/setup/language/").content.decode()

    assert chosen == ("Europe/Rome", "EUR")
    assert installation_zone() == "Asia/Tokyo"
    assert "TIME_ZONE" in page
    assert User.objects.get(username="ada").language == "it"


@pytest.mark.feature("F032")
def test_the_set_up_gives_the_site_its_language_and_chooses_nobodys(
    ready: NewAdministrator,
) -> None:
    second = {
        "username": "ben",
        "first_name": "Ben",
        "last_name": "Blu",
        "email": "",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    ready.post("calls", {**CALLS, "language": "it"})

    ready.post("administrator", second)
    ready.post("people", {"how": "extensions"})

    assert Site.objects.get().language == "it"
    assert set(User.objects.values_list("language", flat=True)) == {"en", ""}
    assert list(User.objects.exclude(language="").values_list("username", flat=True)) == ["ada"]
    page = ready.client.get("/setup/calls/").content.decode()
    assert '<option value="it" selected>Italiano</option>' in page


@pytest.mark.parametrize(
    "values",
    [
        {"language": "xx"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"currency": "XXXX"},
    ],
)
def test_what_does_not_exist_cannot_be_chosen(
    ada: NewAdministrator, values: dict[str, str]
) -> None:
    known = {"language": "en", "time_zone": "Europe/Rome", "currency": "EUR"}

    answer = ada.post("language", {**known, **values})

    assert answer.status_code == 422
    assert stored_installation().time_zone == "Europe/London"


def test_a_step_is_left_out_with_a_note_and_taken_up_again(ada: NewAdministrator) -> None:
    answer = ada.post("mail", {}, "skip", note="no server yet")
    shown = ada.client.get("/setup/mail/").content.decode()

    ada.post("mail", MAIL)

    assert answer.headers["Location"] == "/setup/calls/"
    assert "no server yet" in shown
    assert not SetupStep.objects.get(key="mail").is_skipped


@pytest.mark.smtp
def test_a_test_mail_shows_what_the_server_said(ada: NewAdministrator) -> None:
    with running(MailSink(port=free_port())) as sink:
        shown = ada.test("mail", {**MAIL, "port": str(sink.port)})
        sink.refuse_recipient("ada@example.com", "550 no such person here")
        refused = ada.test("mail", {**MAIL, "port": str(sink.port)})

    assert "has taken the mail for" in shown
    assert "250 OK" in shown
    assert [mail.recipient for mail in sink.received] == ["ada@example.com"]
    assert sink.received[0].message["From"] == "Tollgate <tollgate@example.com>"
    assert "550 no such person here" in refused
    assert stored_installation().mail.host == ""


def test_a_server_that_does_not_answer_is_said_so(ada: NewAdministrator) -> None:
    shown = ada.test("mail", {**MAIL, "port": str(free_port())})

    assert "The mail was not sent by" in shown
    assert "connection refused" in shown


@pytest.mark.parametrize(
    "values",
    [
        {"host": ""},
        {"port": "99999"},
        {"sender": "nobody"},
        {"sender": "a@example.com\r\nBcc: b@example.com"},
        {"host": "mail\r\nexample"},
        {"security": "rot13"},
        {"recipient": ""},
    ],
    ids=str,
)
def test_a_mail_server_that_cannot_be_is_refused(
    ada: NewAdministrator, values: dict[str, str]
) -> None:
    answer = ada.post("mail", {**MAIL, **values}, "test")

    assert answer.status_code == 422


def test_a_mail_password_is_kept_for_us_alone_and_never_shown(ada: NewAdministrator) -> None:
    ada.post("mail", {**MAIL, "username": "us", "password": "s3cret-of-mail"})
    ada.post("mail", {**MAIL, "username": "us", "sender": "other@example.com"})

    config = mail_config()
    page = ada.client.get("/setup/mail/").content.decode()

    assert config is not None
    assert (config.password, config.sender) == ("s3cret-of-mail", "other@example.com")
    assert stat.S_IMODE(installation_path().stat().st_mode) == 0o600
    assert "s3cret-of-mail" not in page
    assert "s3cret-of-mail" not in repr(config) + repr(stored_installation())


def test_a_kept_password_does_not_go_to_another_server(ada: NewAdministrator) -> None:
    ada.post("mail", {**MAIL, "username": "us", "password": "s3cret-of-mail"})

    ada.post("mail", {**MAIL, "username": "us", "host": "evil.example.com"})

    config = mail_config()
    assert config is not None
    assert (config.host, config.password) == ("evil.example.com", "")


def test_a_damaged_file_of_choices_is_as_good_as_none(ada: NewAdministrator) -> None:
    installation_path().write_text("{", encoding="utf-8")

    assert stored_installation().time_zone == ""
    assert ada.client.get("/setup/language/").status_code == 200
