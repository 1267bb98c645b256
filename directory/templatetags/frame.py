"""What every page is made of: icons, form controls, definitions of figures, the look chosen."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django import template
from django.conf import settings
from django.forms import BoundField, CheckboxInput, RadioSelect, Select
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from directory.definitions import DEFINITIONS
from directory.preferences import preferences_of
from directory.templatetags.figures import query

register = template.Library()

PLACES = ("page", "older", "newer", "after", "before")
"""The names in addresses of a place in a list; a list in another order begins anew."""
ICON_FOLDER = Path(settings.BASE_DIR, "static/vendor/tabler-icons-3.51.0")


@cache
def _drawing(name: str) -> str:
    """What an icon's file draws, without its frame.

    Raises:
        FileNotFoundError: for a name that is not vendored: a programming error.
    """
    text = (ICON_FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    inside = re.search(r"<svg[^>]*>(.*)</svg>", text, re.DOTALL)
    assert inside, name  # noqa: S101 - our own files
    return " ".join(inside.group(1).split()).replace(
        '<path stroke="none" d="M0 0h24v24H0z" fill="none" /> ', ""
    )


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """A decorative icon: words stand beside it, so that it says nothing to a reader."""
    return mark_safe(  # noqa: S308 - files of our own, names written in templates
        f'<svg class="icon {extra}" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
        ' stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"'
        f' focusable="false">{_drawing(name)}</svg>'
    )


@register.simple_tag
def definition(key: str) -> SafeString:
    """The small "?" beside a figure that says what it is, by mouse and keyboard.

    Raises:
        KeyError: for a figure that has no definition: a programming error.
    """
    return render_to_string("components/definition.html", {"key": key, "defined": DEFINITIONS[key]})


@register.inclusion_tag("components/sort_head.html", takes_context=True)
def sort_head(
    context: template.Context, key: str, words: str, *, css: str = "", falls_first: bool = False
) -> dict[str, object]:
    """The head of a sortable column: a link that sorts by it, or turns the order round.

    The page's order is its `sort`: a key, with a minus where the greatest come first.
    `falls_first` lets the first click bring the greatest. A new order begins at its first page.
    """
    sort = str(context.get("sort", ""))
    directions = {key: "ascending", f"-{key}": "descending"}
    falls = sort == key if sort in directions else falls_first
    wanted = f"-{key}" if falls else key
    return {
        "words": words,
        "href": query(context, sort=wanted, **dict.fromkeys(PLACES, "")),
        "direction": directions.get(sort, ""),
        "css": css,
    }


@register.filter
def control(field: BoundField) -> SafeString:
    """A form field as the frame draws it."""
    widget = field.field.widget
    if isinstance(widget, CheckboxInput | RadioSelect):
        look = "form-check-input"
    elif isinstance(widget, Select):
        look = "form-select"
    else:
        look = "form-control"
    given = widget.attrs.get("class", "")
    wrong = "is-invalid" if field.errors else ""
    return field.as_widget(attrs={"class": " ".join(filter(None, (look, given, wrong)))})


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """The look the reader has chosen: `auto`, `light` or `dark`."""
    request = context.get("request")
    return str(preferences_of(request).theme) if request else "auto"


@register.simple_tag
def languages() -> list[tuple[str, str]]:
    """The languages there are, each in its own words; Django would translate "English"."""
    return list(settings.LANGUAGES)


@register.simple_tag(takes_context=True)
def preference(context: template.Context, name: str) -> object:
    """One of the reader's preferences, such as `has_shortcuts` or `is_live`."""
    request = context.get("request")
    return getattr(preferences_of(request), name) if request else None
