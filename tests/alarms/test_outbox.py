"""Sweeping: who is told, once, in which words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from alarms.models import MailState, OutboxMessage
from alarms.operations import outbox
from alarms.operations.outbox import SweepReport, sweep_notices
from alarms.queries.counts import outbox_counts
from alarms.queries.recipients import Recipient, recipients_of
from alarms.queries.texts import KINDS
from budgets.models import BudgetEvent, BudgetException, BudgetNotice, EventKind
from directory.installation import choose
from directory.models import Line, LineHolding, Membership, OrgUnit, Role, Site, Supervision, User
from tests.support.outbox import NOON, budget_of, notice_of, person

pytestmark = pytest.mark.django_db


def department(path: str) -> OrgUnit:
    above, _, name = path.rpartition("/")
    parent = department(above) if above else None
    unit, _ = OrgUnit.objects.get_or_create(
        kind="DEPARTMENT", path=path, defaults={"name": name, "parent": parent}
    )
    return unit


def told() -> list[str]:
    return list(OutboxMessage.objects.order_by("pk").values_list("recipient", flat=True))


@pytest.mark.feature("F188")
def test_a_notice_for_the_user_becomes_one_mail_to_him() -> None:
    mario = person()
    notice = notice_of(budget_of(mario))

    report = sweep_notices(now=NOON)

    row = OutboxMessage.objects.get()
    assert (report.notices, report.mails, report.undeliverable) == (1, 1, 0)
    assert (row.recipient, row.user, row.state) == (mario.email, mario, MailState.PENDING)
    assert row.expires_at == NOON + timedelta(hours=24)
    assert row.dedupe_key == f"{notice.key}|mail|{mario.email}"
    assert row.message_id.endswith("@127.0.0.1>")
    notice.refresh_from_db()
    assert notice.swept_at == NOON


def test_sweeping_again_writes_nothing_even_if_the_notice_is_offered_again() -> None:
    notice_of(budget_of(person()))
    sweep_notices(now=NOON)
    first = set(OutboxMessage.objects.values_list("pk", "message_id"))

    BudgetNotice.objects.update(swept_at=None)
    report = sweep_notices(now=NOON + timedelta(minutes=1))

    assert report.mails == 0
    assert set(OutboxMessage.objects.values_list("pk", "message_id")) == first


def test_at_most_so_many_notices_are_taken_at_once_the_oldest_first() -> None:
    period = budget_of(person())
    for minute in (3, 1, 2):
        notice_of(period, key=f"t:{minute}", made_at=NOON - timedelta(minutes=minute))

    report = sweep_notices(now=NOON, limit=2)

    left = BudgetNotice.objects.get(swept_at__isnull=True)
    assert report.notices == 2
    assert left.key.endswith("t:1")


def test_the_notice_and_its_mails_stand_or_fall_together() -> None:
    notice = notice_of(budget_of(person()))

    with transaction.atomic():
        sweep_notices(now=NOON)
        transaction.set_rollback(True)

    notice.refresh_from_db()
    assert notice.swept_at is None
    assert not OutboxMessage.objects.exists()


def test_manager_administrators_and_addresses_are_told_each_address_once() -> None:
    boss = person("anna.bianchi", first_name="Anna")
    mario = person(manager=boss)
    person("root.one", role=Role.ADMIN)
    person("gone", role=Role.ADMIN, is_active=False)
    period = budget_of(mario, extra_recipient="Costs@Example.com")
    words = ["user", "manager", "administrator", "costs@example.com", "ANNA.BIANCHI@example.com"]

    notice_of(period, recipients=words)
    sweep_notices(now=NOON)

    assert told() == [
        "mario.rossi@example.com",
        "anna.bianchi@example.com",
        "root.one@example.com",
        "costs@example.com",
    ]


def test_without_a_manager_the_supervisors_of_his_unit_are_told() -> None:
    sales, north = department("Sales"), department("Sales/North")
    chief, mario = person("chief", role=Role.SUPERVISOR), person()
    Supervision.objects.create(user=chief, unit=sales)
    Membership.objects.create(user=mario, department=north)

    notice_of(budget_of(mario), recipients=["manager"])
    sweep_notices(now=NOON)

    assert told() == ["chief@example.com"]


@pytest.mark.feature("F035")
def test_a_deputy_is_told_while_he_stands_in_and_not_afterwards() -> None:
    sales, mario = department("Sales"), person()
    for name, days in (("now", (-1, 1)), ("before", (-9, -1)), ("later", (1, 9))):
        begins, ends = (NOON + timedelta(days=day) for day in days)
        Supervision.objects.create(
            user=person(name, role=Role.SUPERVISOR), unit=sales, valid_from=begins, valid_to=ends
        )
    Membership.objects.create(user=mario, department=sales)

    notice_of(budget_of(mario), recipients=["manager"])
    sweep_notices(now=NOON)

    assert told() == ["now@example.com"]


def test_a_units_notice_goes_to_its_members_but_not_the_excepted() -> None:
    sales, north = department("Sales"), department("Sales/North")
    marketing = department("Sales Marketing")
    in_sales, in_north, excepted, other = (
        person(name) for name in ("in_sales", "in_north", "excepted", "other")
    )
    for user, unit in (
        (in_sales, sales),
        (in_north, north),
        (excepted, sales),
        (other, marketing),
    ):
        Membership.objects.create(user=user, department=unit)
    chief = person("chief", role=Role.SUPERVISOR)
    Supervision.objects.create(user=chief, unit=sales)
    period = budget_of(sales)
    BudgetException.objects.create(budget=period.budget, user=excepted, since=period.starts_on)

    notice_of(period, recipients=["user", "manager"])
    sweep_notices(now=NOON)

    assert told() == ["in_sales@example.com", "in_north@example.com", "chief@example.com"]


def test_a_notice_about_one_member_of_a_unit_goes_to_him_alone() -> None:
    sales, mario, anna = department("Sales"), person(), person("anna")
    for user in (mario, anna):
        Membership.objects.create(user=user, department=sales)

    notice_of(budget_of(sales), kind=EventKind.PHONE_LOCKED, user=mario, extension="201")
    sweep_notices(now=NOON)

    row = OutboxMessage.objects.get()
    assert row.recipient == mario.email
    assert row.subject == "Your phone 201 is locked"


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("", "mario.rossi has no mail address"),
        ("a@x.org, b@y.org", "mario.rossi: not one mail address: 'a@x.org, b@y.org'"),
        ("a@x.org\r\nBcc: b@y.org", "mario.rossi: not one mail address"),
    ],
)
def test_a_person_who_cannot_be_written_to_is_a_failed_row_and_history(
    email: str, reason: str
) -> None:
    mario = person(email=email)
    notice_of(budget_of(mario), recipients=["user", "costs@example.com"])

    report = sweep_notices(now=NOON)

    failed = OutboxMessage.objects.get(state=MailState.FAILED)
    event = BudgetEvent.objects.get(kind=EventKind.NOTIFY_FAILED)
    assert report.undeliverable == 1
    assert failed.last_error.startswith(reason)
    assert (failed.recipient, failed.user) == ("", mario)
    assert event.details["recipient"] == "user"
    assert event.details["reason"].startswith(reason)
    assert outbox_counts() == {"FAILED": 1, "PENDING": 1}


def test_a_word_that_means_nobody_is_a_failed_row() -> None:
    notice_of(budget_of(person()), recipients=["manager", "everybody"])

    sweep_notices(now=NOON)

    reasons = OutboxMessage.objects.order_by("pk").values_list("state", "last_error")
    assert list(reasons) == [
        ("FAILED", "nobody to write to: no manager is known"),
        ("FAILED", "nobody to write to: no everybody is known"),
    ]


def test_a_notice_that_cannot_be_worded_is_a_failed_row_and_stops_no_other() -> None:
    period = budget_of(person())
    notice_of(period, key="t:1", spent="ten", made_at=NOON - timedelta(minutes=1))
    notice_of(period, key="t:2")

    sweep_notices(now=NOON)

    states = OutboxMessage.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["FAILED", "PENDING"]


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("reader", ["mario.rossi", "anna.bianchi"])
def test_every_kind_says_who_what_and_what_to_do_in_text_and_html(kind: str, reader: str) -> None:
    boss = person("anna.bianchi", first_name="Anna", last_name="Bianchi")
    mario = person(manager=boss)
    site = Site.objects.create(name="Milan", country="IT")
    line = Line.objects.create(site=site, partition="PT", extension="201")
    LineHolding.objects.create(line=line, user=mario)
    notice_of(
        budget_of(mario), kind=kind, recipients=["user", "manager"], by="Carla", reason="on call"
    )

    sweep_notices(now=NOON)

    row = OutboxMessage.objects.get(recipient=f"{reader}@example.com")
    assert row.state == MailState.PENDING, row.last_error
    assert row.subject
    assert "\n" not in row.subject
    is_own = reader == mario.username and kind != EventKind.LOCK_FAILED
    assert row.subject.startswith("Your ") is is_own
    for body in (row.text_body, row.html_body):
        assert "Mario Rossi" in body
        assert "€100.00" in body
        assert "€82.50" in body
        assert "82%" in body
        assert "31 March 2026" in body
        assert "201" in body
        assert "http://127.0.0.1:8000/budgets/" in body
        assert "{{" not in body
        assert "{%" not in body
    assert "\n\n\n" not in row.text_body
    assert "<" not in row.text_body


def test_a_mail_about_minutes_speaks_of_minutes() -> None:
    mario = person()
    period = budget_of(mario, amount=7_200_000, measure="MINUTES")

    notice_of(period, spent=5_760_000)
    sweep_notices(now=NOON)

    row = OutboxMessage.objects.get()
    assert "You have spent 96 min of your telephone budget of 120 min" in row.text_body


@pytest.mark.parametrize(
    ("spent", "left"), [(82_500_000, "€17.50 is left until"), (106_480_000, "€0.00 is left until")]
)
def test_less_than_nothing_is_never_left(spent: int, left: str) -> None:
    notice_of(budget_of(person()), spent=spent)
    sweep_notices(now=NOON)

    assert left in OutboxMessage.objects.get().text_body


@pytest.mark.parametrize("asked", [15_000_000, 0])
def test_whoever_asks_for_more_is_told_of_with_what_is_spent(asked: int) -> None:
    period = budget_of(person())

    notice_of(
        period,
        kind=EventKind.ASKED,
        recipients=["boss@example.com"],
        spent=106_480_000,
        asked=asked,
    )
    sweep_notices(now=NOON)

    text = OutboxMessage.objects.get().text_body
    assert "; €106.48 of €100.00 is spent." in text
    assert "Remaining: -€6.48" in text
    assert "€0.00" not in text


def test_a_threshold_mail_says_when_the_phone_will_be_locked_or_that_it_will_not() -> None:
    locking, telling = person("locking"), person("telling")

    notice_of(budget_of(locking, lock_at=95))
    notice_of(budget_of(telling, lock_at=None))
    sweep_notices(now=NOON)

    assert "At 95% your phone is locked" in OutboxMessage.objects.get(user=locking).text_body
    assert "No phone is locked" in OutboxMessage.objects.get(user=telling).text_body


@pytest.mark.feature("F030")
def test_figures_and_days_follow_the_readers_language() -> None:
    hans = person("hans", language="de", first_name="Hans", last_name="Öz")

    notice_of(budget_of(hans), recipients=["user", "costs@example.com"])
    sweep_notices(now=NOON)

    german = OutboxMessage.objects.get(user=hans)
    english = OutboxMessage.objects.get(recipient="costs@example.com")
    assert german.language == "de"
    assert 'lang="de" dir="ltr"' in german.html_body
    assert "82,50\xa0€" in german.text_body
    assert "31. März 2026" in german.text_body
    assert "€82.50" in english.text_body


@pytest.mark.feature("F032")
def test_whoever_chose_no_language_is_written_to_in_that_of_his_site() -> None:
    choose(language="fr")
    site = Site.objects.create(name="Milan", country="IT", language="it")
    mute = Site.objects.create(name="Lyon", country="FR")
    for username, at, chosen in (
        ("chose", site, "de"),
        ("milanese", site, ""),
        ("lyonnais", mute, ""),
        ("nowhere", None, ""),
    ):
        reader = person(username, language=chosen)
        if at is not None:
            line = Line.objects.create(site=at, extension=username)
            LineHolding.objects.create(line=line, user=reader)
        notice_of(budget_of(reader))
    notice_of(budget_of(person("teller")), recipients=["costs@example.com", "milanese@example.com"])

    sweep_notices(now=NOON)

    written = OutboxMessage.objects.exclude(recipient__startswith="teller")
    assert sorted(written.values_list("recipient", "language")) == [
        ("chose@example.com", "de"),
        ("costs@example.com", "fr"),
        ("lyonnais@example.com", "fr"),
        ("milanese@example.com", "it"),
        ("milanese@example.com", "it"),
        ("nowhere@example.com", "fr"),
    ]
    italian = OutboxMessage.objects.filter(recipient="milanese@example.com").latest("pk")
    assert "82,50\xa0€" in italian.text_body
    assert 'lang="it"' in italian.html_body


@pytest.mark.feature("F030", "F031")
def test_an_arabic_mail_runs_from_right_to_left() -> None:
    reader = person("layla", language="ar")

    notice_of(budget_of(reader))
    sweep_notices(now=NOON)

    assert 'lang="ar" dir="rtl"' in OutboxMessage.objects.get().html_body


HOSTILE_NAMES = (
    '"><svg onload=alert(1)>',
    "{{ user.password }}",
    "{% include '/etc/passwd' %}",
    "{0.__class__}",
    "[[[[FILTER]]]]",
    "%(password)s",
)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_people_are_called_is_only_ever_printed(name: str, kind: str) -> None:
    mario = person(first_name=name, last_name="")
    mario.set_password("a secret that is long")
    mario.save()

    notice_of(
        budget_of(mario),
        kind=kind,
        recipients=["boss@example.com"],
        by=name,
        reason=name,
        extension=name,
    )
    sweep_notices(now=NOON)

    row = OutboxMessage.objects.get()
    assert row.state == MailState.PENDING, row.last_error
    assert name in row.text_body
    assert "<svg" not in row.html_body
    assert mario.password not in row.text_body + row.html_body + row.subject
    assert "root:" not in row.text_body


def test_a_name_with_line_breaks_cannot_write_headers_or_lines() -> None:
    mario = person(first_name="Mario\r\nBcc: spy@evil.example", last_name="\u202eRossi\x0b")

    notice_of(budget_of(mario), recipients=["boss@example.com"])
    sweep_notices(now=NOON)

    row = OutboxMessage.objects.get()
    assert row.subject == ("Telephone budget of Mario Bcc: spy@evil.example Rossi: 80% reached")
    assert not any(line.startswith("Bcc:") for line in row.text_body.splitlines())
    assert "\u202e" not in row.text_body + row.html_body


def test_a_language_may_have_a_text_of_its_own(settings: Settings, tmp_path: Path) -> None:
    own = tmp_path / "templates/mail/de"
    own.mkdir(parents=True)
    (own / "threshold.html").write_text(
        "{% extends layout %}{% block subject %}Eigener Betreff {{ threshold }}{% endblock %}"
    )
    templates = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**templates, "DIRS": [tmp_path / "templates", *templates["DIRS"]]}]
    hans = person("hans", language="de")

    notice_of(budget_of(hans))
    sweep_notices(now=NOON)

    assert OutboxMessage.objects.get().subject == "Eigener Betreff 80 %"


def test_a_notice_that_cannot_be_taken_over_stays_and_keeps_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    period = budget_of(person())
    for number in range(3):
        notice_of(period, key=f"t:{number}", made_at=NOON + timedelta(minutes=number))

    def failing(notices: list[BudgetNotice]) -> list[tuple[BudgetNotice, Recipient]]:
        if any(notice.key.endswith("t:1") for notice in notices):
            raise RuntimeError("a bug")
        return recipients_of(notices)

    monkeypatch.setattr(outbox, "recipients_of", failing)
    report = sweep_notices(now=NOON)
    monkeypatch.undo()
    repaired = sweep_notices(now=NOON)

    assert (report.mails, report.faults) == (2, 1)
    assert (repaired.mails, repaired.faults) == (1, 0)


def test_the_extension_is_the_one_held_when_the_notice_was_made() -> None:
    mario = person()
    site = Site.objects.create(name="Milan", country="IT")
    for extension, since, until in (
        ("201", None, NOON),
        ("202", NOON, None),
        ("203", NOON + timedelta(days=1), None),
    ):
        line = Line.objects.create(site=site, extension=extension)
        LineHolding.objects.create(line=line, user=mario, valid_from=since, valid_to=until)

    notice_of(budget_of(mario), kind=EventKind.PHONE_LOCKED)
    sweep_notices(now=NOON)

    assert OutboxMessage.objects.get().subject == "Your phone 202 is locked"


def test_a_sweep_of_many_asks_no_more_than_a_sweep_of_few(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(40):
        notice_of(budget_of(person(f"user{number}")))

    with django_assert_max_num_queries(12):
        report = sweep_notices(now=NOON)

    assert report.mails == 40


def test_an_idle_sweep_asks_one_question(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        sweep_notices(now=NOON)


def test_someone_no_longer_active_is_not_written_to() -> None:
    mario = person(is_active=False)

    notice_of(budget_of(mario))
    sweep_notices(now=NOON)

    row = OutboxMessage.objects.get()
    assert (row.state, row.recipient) == (MailState.FAILED, "")
    assert User.objects.filter(pk=mario.pk).exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_write_each_mail_once() -> None:
    for number in range(120):
        notice_of(budget_of(person(f"user{number}")))
    start = Barrier(2)
    reports: list[SweepReport] = []

    def sweep() -> None:
        start.wait(timeout=10)
        try:
            reports.append(sweep_notices(now=NOON))
        finally:
            connection.close()

    threads = [Thread(target=sweep) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    assert sum(report.faults for report in reports) == 0
    assert sorted(told()) == sorted(f"user{number}@example.com" for number in range(120))
