"""What a row says is said again in the language of whoever reads it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import translation

from cdr.operations.calls_file import title_of
from cdr.operations.contact_files import start_contacts_import, start_contacts_preview
from directory.models import Job, User
from directory.operations import jobs as operations
from directory.operations.jobs import retry_job, run_job, start_job
from directory.operations.work import Work
from directory.said import said
from kernel.clock import now
from kernel.sentences import Sentence, recalled, sentence

BEGUN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FRIENDS = b"name,number\nGrandmother,+390815550142\n"


@pytest.fixture
def anna(db: None) -> User:
    return User.objects.create_user("anna", language="it")


@pytest.fixture
def preview(anna: User) -> Job:
    with translation.override("de"):
        return start_contacts_preview(
            owner=anna, name="friends.csv", chunks=[FRIENDS], book="mine", is_done_here=True
        )


def shown(owner: User, address: str, language: str) -> str:
    client = Client()
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    User.objects.filter(pk=owner.pk).update(language=language)
    return client.get(address).content.decode()


@pytest.mark.feature("F030")
def test_a_job_is_called_in_the_readers_language_whatever_was_spoken_before(
    anna: User, preview: Job
) -> None:
    run_job(preview.pk, clock=now)
    with translation.override("de"):
        german = str(said(sentence("Look at the contacts in %(name)s", name="friends.csv")))
    assert preview.title == german

    for address in ("/jobs/", preview.get_absolute_url()):
        english = shown(anna, address, "en")
        arabic = shown(anna, address, "ar")

        assert "Look at the contacts in friends.csv" in english
        assert german not in english
        assert "Look at the contacts" not in arabic
        assert german not in arabic
        assert "friends.csv" in arabic


@pytest.mark.feature("F030")
def test_what_came_of_a_job_is_said_in_the_readers_language(anna: User, preview: Job) -> None:
    run_job(preview.pk, clock=now)
    done = start_contacts_import(Job.objects.get(pk=preview.pk))
    run_job(done.pk, clock=now)
    done.refresh_from_db()

    with translation.override("it"):
        italian = done.words_said
    assert done.words == italian
    assert done.words_said == "1 new, 0 changed, 0 rows refused."
    assert italian != done.words_said
    assert italian not in shown(anna, "/jobs/", "en")


def test_a_job_that_is_tried_again_forgets_its_words_and_keeps_its_title(
    anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str | Sentence] = [sentence("Done"), "in plain words"]

    def say(work: Work) -> None:
        work.say(heard.pop(0))
        if heard:
            raise RuntimeError

    monkeypatch.setattr(operations, "doer_of", lambda kind: say)
    job = start_job(kind="test", owner=anna, title=sentence("Import"), is_done_here=True)
    run_job(job.pk, clock=lambda: BEGUN)
    job.refresh_from_db()
    assert (job.state, job.words_said) == ("FAILED", "Done")

    retry_job(job, at=BEGUN + timedelta(minutes=1))
    job.refresh_from_db()
    assert job.words_said == ""
    run_job(job.pk, clock=lambda: BEGUN)
    job.refresh_from_db()

    assert job.words_said == "in plain words"
    with translation.override("de"):
        assert job.title_said == "Importieren"
        assert job.words_said == "in plain words"


def test_a_row_written_before_there_were_sentences_says_what_it_said(anna: User) -> None:
    job = Job.objects.create(kind="test", owner=anna, title="Calls of November", words="3 calls")

    with translation.override("ar"):
        assert (job.title_said, job.words_said) == ("Calls of November", "3 calls")


def test_a_file_of_calls_is_called_in_the_readers_language() -> None:
    every = recalled(asdict(title_of("csv", ())))
    some = recalled(asdict(title_of("xlsx", ("today", "milan"))))

    assert (str(every), str(some)) == ("Calls as CSV: all", "Calls as XLSX: today · milan")
    with translation.override("it"):
        assert str(said(every)) == "Chiamate in CSV: tutte"
        assert str(said(some)) == "Chiamate in XLSX: today · milan"
