"""The catalogues of the other five languages: sound, and complete where the frame speaks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po
from django.conf import settings
from django.template import Context, Template
from django.utils import translation

LANGUAGES = [code for code, _ in settings.LANGUAGES if code != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
FRAME = ("templates/base.html", "templates/components/*.html", "directory/templatetags/*.py")


def catalogue(language: str) -> Catalog:
    path = Path(settings.BASE_DIR, "locale", language, "LC_MESSAGES", "django.po")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def words_of_the_frame() -> set[str]:
    """What the bar, the components and the menu say, as written in their files."""
    home = Path(settings.BASE_DIR)
    texts = [path.read_text(encoding="utf-8") for glob in FRAME for path in home.glob(glob)]
    asked = r"{% translate (?:\"([^\"]+)\"|'([^']+)') |\b_\(\"([^\"]+)\"\)|gettext\(\"([^\"]+)\"\)"
    return {next(filter(None, found)) for text in texts for found in re.findall(asked, text)}


@pytest.mark.feature("F030")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_frame_speaks_every_language(language: str) -> None:
    known = catalogue(language)
    said = {
        message.id: message.string
        for message in known
        if isinstance(message.id, str) and message.id
    }

    silent = {words for words in words_of_the_frame() if not said.get(words)}

    assert len(words_of_the_frame()) > 80
    assert silent == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_names_what_the_original_names(language: str) -> None:
    wrong = []

    for message in catalogue(language):
        if not message.id or not message.string:
            continue
        originals = [message.id] if isinstance(message.id, str) else list(message.id)
        forms = [message.string] if isinstance(message.string, str) else list(message.string)
        named = {name for text in originals for name in PLACEHOLDER.findall(text)}
        for form in filter(None, forms):
            found = set(PLACEHOLDER.findall(form))
            if found - named or (len(originals) == 1 and found != named):
                wrong.append((message.id, form))

    assert wrong == []


@pytest.mark.feature("F030")
@pytest.mark.parametrize(
    ("language", "home"),
    [("de", "Startseite"), ("fr", "Accueil"), ("es", "Inicio"), ("it", "Home"), ("ar", "الرئيسية")],
)
def test_the_menu_says_home(language: str, home: str) -> None:
    found = catalogue(language).get("Home")

    assert found is not None
    assert found.string == home


def test_a_template_speaks_the_active_language() -> None:
    with translation.override("de"):
        said = Template('{% load i18n %}{% translate "Refresh" %}').render(Context())

    assert said == "Aktualisieren"
