"""Named files, sources with and without a database, and the command itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from pytest_django import Settings

from cdr.drivers.base import DriverConfig
from cdr.drivers.cucm import CucmDriver
from cdr.models import Source
from cdr.operations.recorder import record_files, record_waiting
from cdr.queries.drivers import make_driver
from cdr.queries.sources import NoSource, SourceSettings, active_sources
from directory.models import Site
from tests.support.recorder import (
    HEAD,
    LOG,
    MILAN,
    NOW,
    cdr,
    only_file,
    put,
    row,
    told,
)

# --- named files ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sources")
def test_named_files_are_copied_and_left_alone(data_dir: Path, tmp_path: Path) -> None:
    path = put(tmp_path, "cdr_X_01_202503101215_5", cdr(), at=NOW)
    path.chmod(0o400)

    report = record_files(paths=[path], now=NOW)

    assert report.files[0].records == 2
    assert path.read_bytes() == cdr()
    assert only_file(data_dir)[0].sequence == "202503101215-000000000005"


def test_somebody_who_names_a_file_vouches_for_its_last_line(
    data_dir: Path, sources: list[SourceSettings], tmp_path: Path
) -> None:
    sources[:] = [LOG]
    path = put(tmp_path, "log.csv", (HEAD + row(1) + row(2)).rstrip("\n"))

    assert record_files(paths=[path], now=NOW).files[0].rejected == 0


def test_the_source_of_a_named_file_is_told_by_name_by_folder_or_by_being_the_only_one(
    data_dir: Path, drop: Path, sources: list[SourceSettings], tmp_path: Path
) -> None:
    elsewhere = put(tmp_path, "cdr", cdr())
    inside = put(drop, "cdr", cdr())
    assert record_files(paths=[elsewhere], now=NOW).files[0].source == "milan"

    sources[:] = [LOG, MILAN]
    assert record_files(paths=[inside], now=NOW).files[0].source == "milan"
    assert record_files(paths=[elsewhere], now=NOW, source="milan").files[0].source == "milan"
    with pytest.raises(NoSource, match=r"--source \(log, milan\)"):
        record_files(paths=[elsewhere], now=NOW)
    with pytest.raises(NoSource, match="rome"):
        record_files(paths=[elsewhere], now=NOW, source="rome")
    sources[:] = []
    with pytest.raises(NoSource, match="no active source"):
        record_files(paths=[elsewhere], now=NOW)


@pytest.mark.usefixtures("sources")
def test_what_cannot_be_recorded_by_name_is_said_and_the_rest_goes_on(
    data_dir: Path, tmp_path: Path
) -> None:
    good = put(tmp_path, "cdr", cdr())

    report = record_files(paths=[tmp_path / "missing", tmp_path, good], now=NOW)

    assert len(report.files) == 1
    assert told(report) == {
        (str(tmp_path / "missing"), "no such file or directory"),
        (str(tmp_path), "not a plain file"),
    }


# --- sources with and without a database ----------------------------------------------------------------


@pytest.fixture
def rome(db: None) -> Source:
    site = Site.objects.create(name="Rome", country="IT", time_zone="Europe/Rome")
    return Source.objects.create(
        name="rome", site=site, driver="cucm", folder="drop/rome", options={"files": ["cdr_*"]}
    )


@pytest.mark.feature("F004")
def test_recording_goes_on_when_the_database_is_down(
    data_dir: Path, rome: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = active_sources()
    folder = data_dir / "drop/rome"
    folder.mkdir(parents=True)
    put(folder, "cdr_1", cdr())

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(Source.objects, "filter", refuse)

    assert active_sources() == seen
    assert [file.source for file in record_waiting(now=NOW).files] == ["rome"]
    assert (data_dir / "sources.json").stat().st_mode & 0o077 == 0


@pytest.mark.django_db
def test_without_a_database_and_without_a_snapshot_the_reason_is_clear(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(Source.objects, "filter", refuse)
    with pytest.raises(NoSource, match="no source was ever seen"):
        active_sources()
    (data_dir / "sources.json").write_text("[{]", encoding="utf-8")
    with pytest.raises(NoSource, match="cannot be read"):
        active_sources()


def test_a_source_that_is_switched_off_is_not_recorded(rome: Source) -> None:
    Source.objects.filter(pk=rome.pk).update(is_active=False)

    assert active_sources() == []


# --- the command ----------------------------------------------------------------------------------------


def run(*arguments: str | Path) -> tuple[str, str]:
    out, errors = StringIO(), StringIO()
    call_command("record", *[str(argument) for argument in arguments], stdout=out, stderr=errors)
    return out.getvalue(), errors.getvalue()


@pytest.mark.usefixtures("sources")
def test_the_command_says_what_it_did(data_dir: Path, drop: Path, tmp_path: Path) -> None:
    put(drop, "cdr_1", cdr())
    (drop / "cdr_link").symlink_to(tmp_path)

    out, errors = run()

    assert out.splitlines() == ["milan: cdr_1: 2 records", "1 files, 2 records"]
    assert errors == "refused: milan: cdr_link: a link; only plain files are read\n"


@pytest.mark.usefixtures("sources")
def test_the_command_answers_machines_in_json(drop: Path) -> None:
    put(drop, "cdr_1", cdr() + b"\nnonsense")

    answer: dict[str, Any] = json.loads(run("--json", "--source", "milan")[0])

    assert answer["ok"] is True
    assert answer["records"] == 3
    (file,) = answer["files"]
    assert (file["source"], file["rejected"], file["spool"][:7]) == ("milan", 1, "milan__")


@pytest.mark.parametrize("arguments", [["/nowhere/cdr"], ["--source", "rome"]])
@pytest.mark.usefixtures("sources")
def test_the_command_fails_with_one_clear_line(arguments: Sequence[str]) -> None:
    with pytest.raises(CommandError) as failure:
        run(*arguments)

    assert "\n" not in str(failure.value)


@pytest.mark.usefixtures("data_dir")
def test_a_driver_gets_its_sources_zone_and_the_limits_of_the_settings(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[DriverConfig] = []
    settings.MAX_LINE_BYTES = 1234
    monkeypatch.setattr(CucmDriver, "__init__", lambda _self, config: seen.append(config))

    make_driver("cucm", source="milan", zone="Asia/Kathmandu", options={})

    assert (str(seen[0].zone), seen[0].max_line_bytes) == ("Asia/Kathmandu", 1234)
