"""Tags of the call tables: columns, cells, signs and their legend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from cdr.columns import Column, columns_named, kind_mark, number_link, type_mark
from cdr.models import CallType
from cdr.queries.calls import KINDS, ListedCall
from cdr.words import CALL_TYPES, CLASSES, SET_ASIDE, TYPE_HINTS, word
from cdr.words import KINDS as KIND_WORDS

register = template.Library()


@register.simple_tag
def call_columns(columns: Sequence[Column] | Iterable[str] | None = None) -> Sequence[Column]:
    """The columns of a table: given as columns, as their names, or the usual nine."""
    given = list(columns or ())
    if given and isinstance(given[0], Column):
        return [column for column in given if isinstance(column, Column)]
    return columns_named(str(key) for key in given)


@register.simple_tag
def sorted_by(column: Column, heads: Sequence[Column], *, sorts: object = False) -> str:
    """The order that the column's head asks for; of date and time only the first one does."""
    first = next((each for each in heads if each.sort == column.sort), None)
    return column.sort if sorts and first is column else ""


@register.simple_tag
def call_cell(call: ListedCall, column: Column, onward: str = "") -> str:
    """What stands in one cell. The type and the cost lead to the call's own page."""
    if column.key not in ("type", "cost"):
        return column.cell(call)
    return format_html(
        '<a class="{}" href="{}{}" title="{}">{}</a>',
        "tg-plain" if column.key == "type" else "tg-soft",
        reverse("cdr:call", args=[call.id]),
        f"?{onward}" if onward else "",
        _("This call and its price"),
        column.cell(call),
    )


@register.simple_tag
def call_kind(call: ListedCall) -> SafeString:
    """The sign of a call's type with its words."""
    return type_mark(call.call_type, call.kind)


@register.simple_tag
def call_heading(call: ListedCall) -> SafeString:
    """The same as a heading: it begins with a capital letter."""
    return kind_mark(call.kind, capfirst(word(CALL_TYPES, call.call_type)))


@register.simple_tag
def call_number(call: ListedCall) -> SafeString:
    """The other party's number as a link to all calls with it."""
    return number_link(call)


@register.filter
def class_words(number_class: str) -> str:
    """A class of number in the reader's language."""
    return word(CLASSES, number_class)


@register.filter
def set_aside_words(reason: str) -> str:
    """Why a record was set aside, in the reader's language."""
    return word(SET_ASIDE, reason)


@register.simple_tag
def call_legend() -> list[dict[str, object]]:
    """What the signs mean: for each kind its sign, and the types that have it."""
    return [
        {
            "mark": kind_mark(kind, str(words)),
            "types": [
                {
                    "code": call_type.value,
                    "words": word(CALL_TYPES, call_type),
                    "hint": word(TYPE_HINTS, call_type),
                }
                for call_type in CallType
                if KINDS[call_type] == kind
            ],
        }
        for kind, words in KIND_WORDS.items()
    ]
