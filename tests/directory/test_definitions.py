"""Every figure has one definition, the same on the page and in the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from billingsite.management.commands.figures import figures_page
from directory.definitions import DEFINITIONS
from directory.templatetags.frame import definition

TEMPLATES = sorted(Path(settings.BASE_DIR, "templates").rglob("*.html"))


def test_the_documents_say_what_the_pages_say() -> None:
    written = Path(settings.BASE_DIR, "docs", "figures.md").read_text(encoding="utf-8")

    assert written == figures_page(), "run: python3 manage.py figures"


@pytest.mark.parametrize("key", DEFINITIONS)
def test_a_definition_can_be_shown(key: str) -> None:
    shown = definition(key)

    assert "<summary" in shown
    assert str(DEFINITIONS[key].label) != str(DEFINITIONS[key].words)


def test_a_page_names_only_figures_that_are_defined() -> None:
    asked = {
        key
        for path in TEMPLATES
        for key in re.findall(r"{% definition \"(\w+)\" %}", path.read_text(encoding="utf-8"))
    }

    assert asked <= set(DEFINITIONS)
