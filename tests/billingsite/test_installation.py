"""setup: every step may be repeated, and says what it did."""

from __future__ import annotations

import gettext
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from billingsite import installation

CATALOGUE = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "locked"
msgstr "bloccato"
"""


@pytest.fixture
def catalogue(tmp_path: Path, settings: Settings) -> Path:
    folder = tmp_path / "locale/it/LC_MESSAGES"
    folder.mkdir(parents=True)
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    path = folder / "django.po"
    path.write_text(CATALOGUE, encoding="utf-8")
    return path


def test_translations_are_compiled_without_gettext_and_only_once(catalogue: Path) -> None:
    assert installation.compile_translations() == 1
    assert installation.compile_translations() == 0

    with catalogue.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("locked") == "bloccato"


def test_a_folder_that_cannot_be_written_does_not_stop_setup(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> int:
        raise PermissionError(13, "Permission denied", str(catalogue))

    monkeypatch.setattr(installation, "compile_translations", refused)

    assert "run setup as its owner" in installation.compiled_translations()


@pytest.mark.django_db
def test_setup_can_be_repeated_and_then_has_nothing_to_do(
    data_dir: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.STATIC_ROOT = data_dir / "static"
    call_command("setup", "--json")
    first = json.loads(capsys.readouterr().out)["steps"]

    call_command("setup", "--json")

    second = json.loads(capsys.readouterr().out)["steps"]
    assert first["timers"] == "3 written"
    assert int(first["static files"].split()[0]) > 50
    assert second["timers"] == "0 written"
    assert second["static files"] == "0 new"
    assert second["database"].endswith("up to date")
    assert second["mail"].startswith("off: set EMAIL_URL")


@pytest.mark.django_db
def test_setup_says_what_to_do_next(capsys: pytest.CaptureFixture[str], settings: Settings) -> None:
    settings.STATIC_ROOT = Path(settings.DATA_DIR) / "static"

    call_command("setup")

    assert "python3 manage.py demo" in capsys.readouterr().out
