"""The set-up in two tabs, or sent by a double click: what is there once stays there once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from billingsite.setup import views, views_calls
from billingsite.setup.claim import claim_token, token_path
from billingsite.setup.views import AdministratorPage
from cdr.models import Source
from directory.models import Job, Role, Site, User
from tests.support.first_setup import CALLS, PASSWORD, NewAdministrator, cucm_file
from tests.support.together import all_at_once

CLICKS = 4


def slowly(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the saving of a step take its time, so that the others come while it is at it."""
    remember = step.remember

    def remembered(*words: Any, **more: Any) -> None:
        time.sleep(0.3)
        remember(*words, **more)

    monkeypatch.setattr(step, "remember", remembered)


def as_administrator(username: str) -> dict[str, str]:
    return {
        "action": "save",
        "username": username,
        "first_name": "Ada",
        "last_name": "Rinaldi",
        "email": "ada@example.com",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }


def tab_of(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_several_tabs_with_the_address_make_one_administrator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slowly(views, monkeypatch)
    tabs = [Client() for _ in range(CLICKS)]
    for tab in tabs:
        tab.get(f"/setup/start/{claim_token()}/")

    answers = all_at_once(
        *[
            lambda tab=tab, name=f"ada{number}": tab.post(
                "/setup/administrator/", as_administrator(name)
            )
            for number, tab in enumerate(tabs)
        ]
    )

    assert User.objects.filter(role=Role.ADMIN).count() == 1
    assert sorted(answer.headers["Location"] for answer in answers) == [
        *["/setup/"] * (CLICKS - 1),
        "/setup/mail/",
    ]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_system_that_is_sent_several_times_is_set_up_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slowly(views_calls, monkeypatch)
    ada = User.objects.create_user("ada", role=Role.ADMIN)
    tabs = [tab_of(ada) for _ in range(CLICKS)]

    answers = all_at_once(
        *[lambda tab=tab: tab.post("/setup/calls/", CALLS | {"action": "save"}) for tab in tabs]
    )

    assert {answer.headers["Location"] for answer in answers} == {"/setup/numbers/"}
    assert list(Source.objects.values_list("name", "folder")) == [("london", "drop/london")]
    assert Site.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_samples_that_are_given_at_once_are_each_looked_at() -> None:
    ada = User.objects.create_user("ada", role=Role.ADMIN)
    content = cucm_file().read() * 20
    tabs = [tab_of(ada) for _ in range(2 * CLICKS)]

    def given(tab: Client, number: int) -> int:
        sample = SimpleUploadedFile(f"cdr_Cluster_01_202503101215_{number}", content)
        return tab.post("/setup/calls/", CALLS | {"action": "test", "sample": sample}).status_code

    answers = all_at_once(*[lambda tab=tab, n=n: given(tab, n) for n, tab in enumerate(tabs)])

    assert set(answers) == {200}


@pytest.mark.django_db
def test_the_word_is_worth_something_until_the_administrator_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*words: Any, **more: Any) -> None:
        raise RuntimeError("the process ends here")

    ada = NewAdministrator()
    ada.come_with_the_address()
    word = token_path().read_text()
    with monkeypatch.context() as patched:
        patched.setattr(views, "remember", fails)
        with pytest.raises(RuntimeError):
            ada.post("administrator", as_administrator("ada"))

    assert not User.objects.exists()
    assert token_path().read_text() == word
    answer = ada.post("administrator", as_administrator("ada"))
    assert answer.headers["Location"] == AdministratorPage().gone_on().headers["Location"]
    assert not token_path().exists()


@pytest.mark.django_db
def test_the_sample_company_is_asked_for_once_however_often_it_is_clicked() -> None:
    tab = tab_of(User.objects.create_user("ada", role=Role.ADMIN))

    answers = [tab.post("/setup/demo/") for _ in range(CLICKS)]

    job = Job.objects.get(kind="demo_data")
    assert {answer.headers["Location"] for answer in answers} == {job.get_absolute_url()}
