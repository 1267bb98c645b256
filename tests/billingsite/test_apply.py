"""The set-up file: all of it or nothing, and the second time nothing changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from budgets.models import Budget
from cdr.models import Carrier, Gateway, GatewayCarrier, Source, TariffVersion
from directory.models import Line, Site, User

pytestmark = pytest.mark.django_db

WHOLE = """
[[site]]
name = "Milan"
country = "IT"
timezone = "Europe/Rome"
currency = "EUR"
exit_code = "0"                     # dialled before outside numbers; may be ""
international_prefix = "00"
national_prefix = ""
area_code = "02"
extensions = ["2XX", "7XXX"]        # what is internal here
local_lengths = []                  # lengths of numbers dialled without area code; none here
emergency = ["112", "113"]          # added to the country's own list
[[carrier]]
name = "Acme"
tariff = "acme.json"                # a tariff file, beside this one
[[gateway]]
site = "Milan"
device = "GW-MILAN"                 # as the call records name it
carrier = "Acme"
since = 2026-01-01
[[source]]
name = "milan"
site = "Milan"
driver = "cucm"
folder = "drop/milan"               # watched; absolute, or below the data folder
[people]
file = "people.csv"
[[budget]]
for = "user:mario.rossi"            # or "department:Sales"
amount = "10.00"                    # or minutes = 120
period = "month"
carry_over = false
thresholds = [{percent = 80, notify = ["user"]}, {percent = 100, notify = ["user", "manager"], lock = true}]
"""
PEOPLE = """username,manager,department,office,site,partition,extension
mario.rossi,anna.bianchi,Sales/North,Milan,Milan,PT-Internal,201
anna.bianchi,,Sales,Milan,Milan,PT-Internal,210
"""


def tariff(**values: Any) -> dict[str, Any]:
    """A small tariff document."""
    steps = [{"from_second": 0, "price": "0.10", "per_seconds": 60, "increment_seconds": 60}]
    usual = {
        "name": "Acme national 2026",
        "currency": "EUR",
        "timezone": "Europe/Rome",
        "destinations": [{"prefix": "39", "area": "Italy", "bands": [{"steps": steps}]}],
    }
    return {**usual, **values}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a set-up file and what it names."""
    place = tmp_path / "setup"
    place.mkdir()
    (place / "acme.json").write_text(json.dumps(tariff()), encoding="utf-8")
    (place / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (place / "setup.toml").write_text(WHOLE, encoding="utf-8")
    return place


def run(path: Path, *flags: str) -> str:
    out = StringIO()
    call_command("apply", str(path), *flags, stdout=out)
    return out.getvalue()


def refused(folder: Path, text: str) -> str:
    """The words in which a set-up file of this text is refused."""
    path = folder / "bad.toml"
    path.write_text(text, encoding="utf-8")
    before = everything()
    with pytest.raises(CommandError) as refusal:
        run(path)
    assert everything() == before, "a refused file left something behind"
    return str(refusal.value)


def everything() -> dict[str, list[Any]]:
    """All rows of all our apps."""
    labels = ("directory", "cdr", "budgets", "phonelock", "alarms")
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for label in labels
        for model in apps.get_app_config(label).get_models()
    }


def test_the_file_of_the_documentation_sets_an_installation_up(
    folder: Path, data_dir: Path
) -> None:
    told = run(folder / "setup.toml")

    site = Site.objects.get()
    assert (site.country, site.exit_code, site.area_code) == ("IT", "0", "02")
    assert site.extension_patterns == ["2XX", "7XXX"]
    span = GatewayCarrier.objects.get()
    assert (str(span.gateway), span.carrier.name) == ("GW-MILAN", "Acme")
    assert span.valid_from == datetime(2025, 12, 31, 23, tzinfo=UTC), "local midnight of the site"
    source = Source.objects.get()
    assert (source.driver, source.folder, source.is_active) == ("cucm", "drop/milan", True)
    assert (data_dir / "drop/milan").is_dir()
    assert json.loads((data_dir / "sources.json").read_text())[0]["name"] == "milan"
    assert User.objects.get(username="mario.rossi").holdings.get().line == Line.objects.get(
        extension="201"
    )
    budget = Budget.objects.get()
    assert (budget.amount, budget.currency, budget.time_zone) == (10_000_000, "EUR", "Europe/Rome")
    assert list(budget.thresholds.order_by("percent").values_list("percent", "lock")) == [
        (80, False),
        (100, True),
    ]
    for line in ("site Milan: created", "gateway Milan/GW-MILAN: created", "people: 2 created"):
        assert line in told
    assert "setup.toml: 6 created, 0 changed, 0 unchanged." in told


def test_switches_are_answered_by_the_new_set_up_at_once(folder: Path, data_dir: Path) -> None:
    run(folder / "setup.toml")

    (snapshot,) = (data_dir / "admission").glob("*.json")
    assert "Milan" in snapshot.read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_made_is_said_when_all_is_stored(
    folder: Path, data_dir: Path
) -> None:
    (data_dir / "drop").write_text("in the way", encoding="utf-8")

    with pytest.raises(CommandError, match=r"the set-up is stored, but the folder .*drop/milan"):
        run(folder / "setup.toml")
    assert Source.objects.exists()


def test_the_second_time_nothing_changes(folder: Path) -> None:
    run(folder / "setup.toml")
    before = everything()

    told = json.loads(run(folder / "setup.toml", "--json"))

    assert everything() == before
    assert (told["created"], told["changed"], told["unchanged"]) == (0, 0, 6)
    assert told["people"] == {"new": [], "changed": [], "unchanged": 2, "units": []}
    assert {item["outcome"] for item in told["items"]} == {"unchanged"}


def test_a_dry_run_tells_the_same_and_changes_nothing(folder: Path, data_dir: Path) -> None:
    before = everything()

    told = run(folder / "setup.toml", "--dry-run")

    assert everything() == before
    assert not (data_dir / "drop").exists()
    assert "Dry run: nothing was changed." in told
    assert run(folder / "setup.toml") == told.replace("Dry run: nothing was changed.\n", "")


def change(folder: Path, old: str, new: str, *, file: str = "setup.toml") -> str:
    """Apply the file once as it is and once with `old` replaced; returns the second report."""
    run(folder / "setup.toml")
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return run(folder / "setup.toml")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('area_code = "02"', 'area_code = "06"', "site Milan: changed (area code 06, was 02)"),
        (
            'extensions = ["2XX", "7XXX"]',
            "extensions = []",
            "site Milan: changed (extension patterns none, was 2XX 7XXX)",
        ),
        (
            'name = "Acme"',
            'name = "Acme"\nmarkup_percent = 12.5\nsurcharge = "0.01"',
            "carrier Acme: changed (markup percent 12.5, was 0.000; surcharge micros 10000, was 0)",
        ),
        (
            "since = 2026-01-01",
            "since = 2026-02-01T00:00:00+01:00",
            "gateway Milan/GW-MILAN: changed (carriers Acme from 2026-01-31T23:00:00+00:00",
        ),
        (
            'driver = "cucm"',
            'driver = "cucm"\nsecret = "hush-hush"\ncallers = ["10.0.0.0/8"]\nlock = "simulated"',
            "source milan: changed (",
        ),
        ('amount = "10.00"', 'amount = "12.00"', "budget user:mario.rossi: changed (amount 12.00"),
    ],
)
def test_a_change_of_the_file_changes_just_that(
    folder: Path, old: str, new: str, line: str
) -> None:
    told = change(folder, old, new)

    assert line in told
    assert "0 created, 1 changed, 5 unchanged." in told
    assert "hush-hush" not in told
    assert "0 created, 0 changed, 6 unchanged." in run(folder / "setup.toml")


def test_a_changed_tariff_file_becomes_a_new_version(folder: Path) -> None:
    told = change(folder, '"0.10"', '"0.12"', file="acme.json")

    assert "tariff Acme national 2026: changed (version 2, was 1)" in told
    assert TariffVersion.objects.count() == 2


def test_a_changed_people_file_changes_people(folder: Path) -> None:
    assert "people: 0 created, 1 changed, 1 unchanged" in change(
        folder, "Sales/North", "Sales/South", file="people.csv"
    )


def test_what_the_file_no_longer_mentions_stays(folder: Path) -> None:
    run(folder / "setup.toml")
    (folder / "setup.toml").write_text('[[carrier]]\nname = "Other"\n', encoding="utf-8")

    run(folder / "setup.toml")

    assert set(Carrier.objects.values_list("name", flat=True)) == {"Acme", "Other"}
    assert Site.objects.count() == Source.objects.count() == Gateway.objects.count() == 1


def test_carriers_of_one_gateway_follow_each_other(folder: Path) -> None:
    more = """
[[carrier]]
name = "Beta"
[[gateway]]
site = "Milan"
device = "GW-MILAN"
carrier = "Beta"
since = 2026-06-01
"""
    (folder / "setup.toml").write_text(WHOLE + more, encoding="utf-8")

    run(folder / "setup.toml")

    spans = GatewayCarrier.objects.order_by("valid_from")
    june = datetime(2026, 5, 31, 22, tzinfo=UTC)
    assert [(span.carrier.name, span.valid_to) for span in spans] == [
        ("Acme", june),
        ("Beta", None),
    ]
    assert "0 created, 0 changed, 7 unchanged." in run(folder / "setup.toml")


def test_gateways_may_be_of_other_kinds_and_open_ended(folder: Path) -> None:
    more = """
[[gateway]]
site = "Milan"
device = "CUC-*"
kind = "voicemail"
"""
    (folder / "setup.toml").write_text(WHOLE + more, encoding="utf-8")

    run(folder / "setup.toml")

    assert Gateway.objects.get(device="CUC-*").kind == "VOICEMAIL"


# --- Refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "Milan"', "", "[[site]] 1, name: is missing"),
        ('name = "Milan"', 'name = "A/B"', "[[site]] 1 (A/B), name: 'A/B' may not hold a slash"),
        ('country = "IT"', 'country = "XX"', "[[site]] 1 (Milan), country: must be an ISO country"),
        ('"Europe/Rome"', '"Rome"', "[[site]] 1 (Milan), timezone: must be a time zone"),
        ('currency = "EUR"', 'currency = "EUX"', "[[site]] 1 (Milan), currency: must be an ISO"),
        ('exit_code = "0"', "exit_code = 0", "exit_code: must be a text in quotes, got 0"),
        ('exit_code = "0"', 'exit_kode = "0"', "exit_kode: unknown key; known are"),
        ('["2XX", "7XXX"]', '["2XX", "7Q"]', "extensions: item 2 cannot be used: character 2"),
        ("local_lengths = []", "local_lengths = [99]", "local_lengths: item 1 must be a whole"),
        ('["112", "113"]', '["1"]', "emergency: item 1 must be a number of 2 to 8 digits"),
        ('"acme.json"', '"none.json"', "[[carrier]] 1 (Acme), tariff: none.json: No such file"),
        ('"acme.json"', '"people.csv"', "tariff: people.csv: document: not JSON"),
        (
            'name = "Acme"', 'name = "Acme"\nmarkup_percent = "much"',
            "markup_percent: must be an amount",
        ),
        ('carrier = "Acme"', 'carrier = "Nemo"', "[[gateway]] 1 (GW-MILAN), carrier: there is no"),
        ("since = 2026-01-01", 'since = "soon"', "since: must be a date such as"),
        ("since = 2026-01-01", "since = 2026-01-01\nuntil = 2025-01-01", "would end before it begins"),
        ('site = "Milan"\ndevice', 'site = "Oslo"\ndevice', "site: there is no site 'Oslo'"),
        (
            'device = "GW-MILAN"', 'device = "GW-MILAN"\nkind = "pots"',
            "kind: must be one of pstn, onnet, voicemail, other, got 'pots'",
        ),
        ('driver = "cucm"', 'driver = "nope"', "[[source]] 1 (milan), driver: there is no call"),
        (
            'driver = "cucm"', 'driver = "cucm"\noptions = {colums = 3}',
            "[[source]] 1 (milan), options: ",
        ),
        ('driver = "cucm"', 'driver = "cucm"\nlock = "nope"', "lock: there is no lock driver"),
        ('driver = "cucm"', 'driver = "cucm"\ncallers = ["x"]', "callers: item 1 must be an address"),
        (
            'driver = "cucm"', 'driver = "cucm"\nfailure_policy = "maybe"',
            "failure_policy: must be one of open, closed, pbx",
        ),
        ('"people.csv"', '"nobody.csv"', "[people], file: nobody.csv: No such file"),
        ('"user:mario.rossi"', '"user:nobody"', "[[budget]] 1 (user:nobody): there is no user"),
        ('"user:mario.rossi"', '"team:x"', "[[budget]] 1 (team:x): for must begin with"),
        ('amount = "10.00"', 'amount = "ten"', "[[budget]] 1 (user:mario.rossi): amount: not a"),
        ("percent = 80", "percnt = 80", "[[budget]] 1 (user:mario.rossi): "),
        ("[people]", "[persons]", "[persons]: unknown table; known are site"),
        ("[[site]]", "[site]", "[[site]]: must be written as [[site]]"),
        ('country = "IT"', "country = = 1", "is no TOML: "),
    ],
)  # fmt: skip
def test_a_broken_file_names_the_place_and_changes_nothing(
    folder: Path, old: str, new: str, words: str
) -> None:
    assert old in WHOLE

    said = refused(folder, WHOLE.replace(old, new, 1))

    assert "bad.toml: " in said
    assert words in said


def test_all_problems_are_named_at_once(folder: Path) -> None:
    said = refused(folder, WHOLE.replace('"IT"', '"XX"').replace("2026-01-01", "1.5"))

    assert "country: must be" in said
    assert "since: must be" in said
    assert "2 problems; nothing was stored." in said


def test_a_tariff_in_another_currency_than_the_site_is_refused(folder: Path) -> None:
    said = refused(folder, WHOLE.replace('currency = "EUR"', 'currency = "CHF"'))

    assert (
        "gateway GW-MILAN of site Milan (CHF) has the carrier Acme, "
        "whose tariff 'Acme national 2026' is in EUR; they must be the same" in said
    )


def test_bad_rows_of_the_people_file_refuse_the_whole(folder: Path) -> None:
    (folder / "people.csv").write_text(PEOPLE + "bad name,,,,,,\n", encoding="utf-8")

    said = refused(folder, WHOLE)

    assert "[people], file: people.csv: line 4, column username: 'bad name' may only hold" in said


def test_two_carriers_at_once_behind_a_gateway_are_refused(folder: Path) -> None:
    twice = WHOLE + '[[gateway]]\nsite = "Milan"\ndevice = "GW-MILAN"\ncarrier = "Acme"\n'
    twice += 'until = 2026-06-01\n'  # fmt: skip

    assert "[[gateway]] 2 (GW-MILAN), since: Acme and Acme at the same time" in refused(
        folder, twice
    )


def test_two_tariff_files_of_one_name_may_not_differ(folder: Path) -> None:
    other = tariff(holidays="IT")
    (folder / "other.json").write_text(json.dumps(other), encoding="utf-8")

    said = refused(folder, WHOLE + '[[carrier]]\nname = "B"\ntariff = "other.json"\n')

    assert "other.json and acme.json are both called 'Acme national 2026' and differ" in said


def test_names_that_stand_twice_are_refused(folder: Path) -> None:
    said = refused(folder, WHOLE + '[[source]]\nname = "milan"\nsite = "Milan"\ndriver = "cucm"\n')

    assert "[[source]] 2 (milan), name: 'milan' stands twice in this file" in said


@pytest.mark.feature("F032")
def test_a_site_may_have_a_language_which_an_empty_text_takes_back(folder: Path) -> None:
    def language(text: str) -> str:
        told = WHOLE.replace('currency = "EUR"', f'currency = "EUR"\n{text}', 1)
        (folder / "setup.toml").write_text(told, encoding="utf-8")
        run(folder / "setup.toml")
        return Site.objects.get().language

    assert language("") == ""
    assert language('language = "it"') == "it"
    assert language("") == "it"
    assert language('language = ""') == ""
    wrong = WHOLE.replace('currency = "EUR"', 'currency = "EUR"\nlanguage = "klingon"', 1)
    assert "language: must be one of" in refused(folder, wrong)


def test_a_new_site_needs_country_zone_and_currency(folder: Path) -> None:
    said = refused(folder, '[[site]]\nname = "Rome"\n')

    for key in ("country", "timezone", "currency"):
        assert f"[[site]] 1 (Rome), {key}: is missing; a new site needs it" in said


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b'[[site]]\nname = "\xff"'),
        lambda path: path.mkdir(),
        lambda path: None,
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(
    tmp_path: Path, write: Callable[[Path], object]
) -> None:
    path = tmp_path / "x.toml"
    write(path)

    with pytest.raises(CommandError, match=r"^[^\n]*x\.toml[^\n]*$"):
        run(path)
