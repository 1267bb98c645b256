"""The log of changes: who, what, when and from where; and what never stands in it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from allauth.mfa.models import Authenticator
from auditlog.models import LogEntry as Change
from auditlog.registry import auditlog
from django.apps import apps
from django.contrib.admin.models import LogEntry as Note
from django.test import Client
from django.utils import timezone, translation

from billingsite.auditing import AUDITED, NOT_AUDITED, WhoDidIt
from billingsite.queries.audit import Wanted, audit_page
from budgets.models import Budget
from cdr.models import Call, Gateway, Source
from directory.models import ApiToken, Role, User
from directory.operations.people import import_people
from tests.support.pages import HOSTILE, PagesWorld, pages_world
from tests.support.source_tree import APPS

SECRET = "s3cr3t-in-address"  # noqa: S105 - of a test


@pytest.fixture
def world(db: None) -> PagesWorld:
    made = pages_world(datetime.now(UTC))
    Change.objects.all().delete()
    return made


def signed_in(world: PagesWorld, who: str) -> Client:
    client = Client()
    client.force_login(world.people[who], "django.contrib.auth.backends.ModelBackend")
    return client


def text_of(answer: Any) -> str:
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", unescape(text))


# --- what is logged -------------------------------------------------------------------------------


def test_every_model_of_ours_is_audited_or_says_why_not() -> None:
    ours = {model._meta.label for app in APPS for model in apps.get_app_config(app).get_models()}

    assert ours <= set(AUDITED) | set(NOT_AUDITED), "decide in billingsite/auditing.py"
    assert not set(AUDITED) & set(NOT_AUDITED)
    assert all(auditlog.contains(apps.get_model(label)) for label in AUDITED)
    assert not any(auditlog.contains(apps.get_model(label)) for label in NOT_AUDITED)


def test_no_field_that_may_hold_a_secret_is_logged() -> None:
    telling = re.compile(r"secret|password|digest|token|key$|^data$|packed")
    for label, how in AUDITED.items():
        fields = {field.name for field in apps.get_model(label)._meta.concrete_fields}
        logged = fields - set(how.without)
        suspicious = {name for name in logged if telling.search(name)} - {
            "classes_key",  # which classes a budget counts
            "document_hash",
        }
        assert suspicious == set(), label
        assert set(how.without) <= fields, label


@pytest.mark.feature("X38")
def test_a_change_in_the_administration_names_author_field_and_address(world: PagesWorld) -> None:
    site = world.site
    form = {
        "name": site.name,
        "country": "IT",
        "time_zone": "Europe/Rome",
        "currency": "EUR",
        "mask_digits": "3",
        "transfer_payment": "WHOLE",
        "international_prefix": "00",
        **dict.fromkeys(
            ("extension_patterns", "local_lengths", "emergency_numbers", "allowed_while_locked"),
            "",
        ),
    }

    signed_in(world, "frank").post(
        f"/admin/directory/site/{site.pk}/change/", form, REMOTE_ADDR="192.0.2.7"
    )

    entry = Change.objects.get(content_type__model="site")
    assert entry.actor == world.people["frank"]
    assert entry.changes["mask_digits"] == ["4", "3"]
    assert entry.remote_addr == "192.0.2.7"


def test_secrets_never_stand_in_the_log(world: PagesWorld) -> None:
    source = world.source
    source.caller_secret = SECRET
    source.folder = "drop/other"
    source.save()
    user = world.people["anna"]
    user.set_password(SECRET)
    user.first_name = "Annie"
    user.save()
    ApiToken.objects.create(user=user, name="script", start="abc", digest=SECRET, made_at=world.now)

    everything = repr(list(Change.objects.values_list("changes", "object_repr", "object_pk")))
    assert "drop/other" in everything
    assert "Annie" in everything
    assert "script" in everything
    assert SECRET not in everything
    assert "pbkdf2" not in everything
    assert "md5$" not in everything


def test_calls_and_facts_leave_no_entry(world: PagesWorld) -> None:
    world.call("anna", "+390266771234", "OA", charge=1)
    assert world.mail
    assert world.quarantined
    world.mail.save()
    world.quarantined.save()

    assert not Change.objects.exists()


def test_signing_in_leaves_no_entry(world: PagesWorld) -> None:
    user = world.people["anna"]
    user.last_login = world.now
    user.save(update_fields=["last_login"])

    assert not Change.objects.exists()


def test_a_right_that_was_given_says_to_whom_and_for_what(world: PagesWorld) -> None:
    budget = world.budgets["own"]
    budget.amount = 1
    budget.save()
    world.people["anna"].role = Role.SUPERVISOR
    world.people["anna"].save()

    kinds = {row.content_type.model: row.changes for row in Change.objects.all()}
    assert kinds["budget"]["amount"] == ["10000000", "1"]
    assert kinds["user"]["role"] == ["USER", "SUPERVISOR"]
    assert Budget.objects.get(pk=budget.pk).amount == 1


def test_a_forwarded_address_counts_from_our_own_proxies_alone(rf: Any, settings: Any) -> None:
    request = rf.get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR="203.0.113.9")
    strange = rf.get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR="<svg>")

    settings.TRUSTED_PROXIES = []
    alone = WhoDidIt._get_remote_addr(request)
    settings.TRUSTED_PROXIES = ["192.0.2.0/24"]

    assert alone == "192.0.2.1"
    assert WhoDidIt._get_remote_addr(request) == "203.0.113.9"
    assert WhoDidIt._get_remote_addr(strange) is None


# --- runs -----------------------------------------------------------------------------------------


def people_file(count: int) -> bytes:
    head = "username,first_name,last_name,email,site,partition,extension"
    rows = [
        f"person{number},P,N{number},p{number}@example.com,Milan,PT,{3000 + number}"
        for number in range(count)
    ]
    return "\n".join([head, *rows]).encode()


def test_an_import_leaves_one_entry_and_a_second_one_none(world: PagesWorld) -> None:
    import_people(content=people_file(30), at=world.now)
    first = list(Change.objects.all())
    import_people(content=people_file(30), at=world.now, is_dry_run=True)
    import_people(content=people_file(30), at=world.now)

    runs = [entry for entry in first if entry.object_repr == "import of people"]
    assert len(runs) == 1
    assert runs[0].changes["new"] == ["", "30"]
    assert len(first) < 10
    assert Change.objects.count() == len(first)


# --- the page -------------------------------------------------------------------------------------


def revealed(world: PagesWorld, who: str, at: datetime) -> None:
    from django.contrib.contenttypes.models import ContentType  # noqa: PLC0415

    note = Note.objects.create(
        user=world.people[who],
        content_type=ContentType.objects.get_for_model(Call),
        object_id=str(world.calls["own"].pk),
        object_repr="1-1/1-2",
        action_flag=2,
        change_message="numbers revealed",
    )
    Note.objects.filter(pk=note.pk).update(action_time=at)


@pytest.mark.parametrize(
    ("who", "status"), [("anna", 403), ("cleo", 403), ("eve", 200), ("frank", 200)]
)
@pytest.mark.feature("X38")
def test_auditors_and_administrators_alone_read_the_log(
    world: PagesWorld, who: str, status: int
) -> None:
    assert signed_in(world, who).get("/audit/").status_code == status


def test_changes_and_looks_at_clear_numbers_stand_in_one_order(world: PagesWorld) -> None:
    world.source.folder = "drop/other"
    world.source.save()
    revealed(world, "frank", world.now + timedelta(minutes=5))

    text = text_of(signed_in(world, "eve").get("/audit/"))

    assert text.index("looked at clear numbers") < text.index("drop/other")
    assert "Frank Rossi" in text
    assert "Folder" in text


@pytest.mark.feature("X38")
def test_whoever_opens_a_record_set_aside_has_looked_at_clear_numbers(world: PagesWorld) -> None:
    frank = signed_in(world, "frank")
    assert world.quarantined is not None
    frank.get("/quarantine/")
    assert frank.get(f"/quarantine/{world.quarantined.pk}/").status_code == 200

    text = text_of(signed_in(world, "eve").get("/audit/?kind=cdr.quarantinedrecord&action=looked"))

    assert text.count("looked at clear numbers Record in quarantine") == 1
    assert str(world.quarantined) in text


@pytest.mark.feature("X38")
def test_a_file_of_masked_calls_is_no_look_at_clear_numbers(world: PagesWorld) -> None:
    assert signed_in(world, "frank").post("/calls/file/", {"format": "csv"}).status_code == 200

    reader = signed_in(world, "eve")
    taken, looked = (reader.get(f"/audit/?action={name}") for name in ("taken", "looked"))

    assert "Frank Rossi" in text_of(taken)
    assert "took calls as a file Call" in text_of(taken)
    assert "No entry matches" in text_of(looked)


@pytest.mark.parametrize(
    ("query", "seen", "unseen"),
    [
        ("person=frank", "looked at clear", "drop/other"),
        ("kind=cdr.source", "drop/other", "looked at clear numbers Call"),
        ("kind=cdr.call", "1-1/1-2", "drop/other"),
        ("action=changed", "drop/other", "1-1/1-2"),
        ("action=looked", "1-1/1-2", "drop/other"),
        ("end=2001-01-01", "No entry matches", "drop/other"),
        ("person=nobody&start=x", "No entry matches", "drop/other"),
        ("older=nonsense&kind=no.such", "drop/other", "No entry matches"),
    ],
)
def test_the_log_is_narrowed(world: PagesWorld, query: str, seen: str, unseen: str) -> None:
    world.source.folder = "drop/other"
    world.source.save()
    revealed(world, "frank", world.now)

    text = text_of(signed_in(world, "eve").get(f"/audit/?{query}"))

    assert seen in text
    assert unseen not in text


def test_pages_of_the_log_miss_nothing_and_repeat_nothing(world: PagesWorld) -> None:
    for number in range(23):
        world.source.folder = f"drop/{number}"
        world.source.save()
        revealed(world, "frank", world.now + timedelta(seconds=number % 3))
    Change.objects.update(timestamp=world.now + timedelta(seconds=1))
    seen, older = [], ""
    for _ in range(20):
        page = audit_page(Wanted(), older=older, size=7)
        seen += [(entry.rank, entry.pk) for entry in page.entries]
        older = page.older
        if not older:
            break

    assert len(seen) == len(set(seen)) == 46


def test_an_instant_is_said_on_the_readers_clock_and_a_manager_not_at_all(
    world: PagesWorld,
) -> None:
    Gateway.objects.create(site=world.source.site, device="gw-9")
    ApiToken.objects.create(
        user=world.people["anna"],
        name="export",
        made_at=datetime(2026, 7, 1, 10, 0, 0, 123456, tzinfo=UTC),
    )

    with timezone.override(ZoneInfo("Europe/Rome")):
        page = audit_page(Wanted())

    said = [(change.label, change.after) for entry in page.entries for change in entry.changes]
    assert ("Made", "1 Jul 2026, 12:00:00") in said
    assert "Carriers" not in dict(said)


@pytest.mark.parametrize(
    ("language", "kind", "said"),
    [
        ("en", "Second factor", {("Kind", "Recovery codes"), ("Active", "no"), ("New", "1")}),
        ("ar", "العامل الثاني", {("النوع", "رموز الاسترداد"), ("مفعّل", "لا"), ("جديد", "1")}),
    ],
)
def test_choices_and_what_libraries_keep_are_said_in_words(
    world: PagesWorld, language: str, kind: str, said: set[tuple[str, str]]
) -> None:
    Authenticator.objects.create(user=world.people["anna"], type="recovery_codes", data={})
    import_people(content=b"username\nzoe\n", at=world.now)
    world.source.is_active = False
    world.source.save()

    with translation.override(language):
        entries = audit_page(Wanted()).entries

    assert kind in {entry.kind for entry in entries}
    assert said <= {(change.label, change.after) for entry in entries for change in entry.changes}


def test_hostile_names_stay_text_in_the_log(db: None) -> None:
    world = pages_world(datetime.now(UTC), name=HOSTILE)
    world.source.folder = HOSTILE
    world.source.save()

    text = signed_in(world, "eve").get("/audit/").content.decode()

    assert "<svg onload" not in text
    assert "&lt;svg onload" in text


def test_a_program_with_a_token_is_named_too(rf: Any, world: PagesWorld) -> None:
    request = rf.get("/")
    seen = []

    def view(asked: Any) -> Any:
        asked.user = world.people["frank"]  # what the programming interface does, late
        world.source.folder = "drop/by-token"
        world.source.save()
        seen.append(asked)

    WhoDidIt(view)(request)

    assert Change.objects.get().actor == world.people["frank"]
    assert seen
    assert Source.objects.get().folder == "drop/by-token"
    assert User.objects.filter(username="frank").exists()


def test_an_entry_bears_our_own_id_of_the_request_and_nobody_elses(world: PagesWorld) -> None:
    headers = {"X-Request-ID": "0123456789ab", "X-Correlation-ID": "x" * 400}

    signed_in(world, "anna").post("/account/tokens/", {"name": "export"}, headers=headers)

    assert Change.objects.get(content_type__model="apitoken").cid == "0123456789ab"
