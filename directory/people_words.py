"""Why a people file, or one of its rows, is refused, as the import says it; `directory.said` translates."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

FILE_REFUSALS: Final = (
    _("line %(line)s: the file has more than %(most)s rows"),
    _("the file begins as UTF-16 but is not"),
    _("line %(line)s: cannot be taken apart; is a quote left open?"),
    _("line %(line)s: the header has no column username"),
    _("line %(line)s, column %(column)s: no such column; known are %(known)s"),
    _("line %(line)s, column %(column)s: stands twice in the header"),
)
"""Why a file as a whole is refused, as the engine says it."""

ROW_REFUSALS: Final = (
    _("is empty"),
    _("is empty, but a partition is given"),
    _("is empty: which site's extension is meant?"),
    _("is filled, but the role is user"),
    _("nobody is his own manager"),
    _("has %(count)s cells, the header has %(wanted)s"),
    _("holds a control character (%(sign)s)"),
    _("holds a character that could not be read"),
    _("is longer than %(most)s characters"),
    _("a part of %(value)s is longer than %(most)s characters"),
    _("there is no site %(site)s; known: %(known)s"),
    _("there is no site %(site)s; none is known yet"),
    _("there is no user %(name)s"),
    _("there is no unit %(path)s"),
    _("%(value)s is no extension"),
    _("%(value)s is no date like 2026-01-31 and no ISO instant"),
    _("%(value)s is no mail address"),
    _("%(value)s is no time zone; one is written like Europe/Rome"),
    _("%(value)s is not one of %(known)s"),
    _("%(value)s may only hold letters, digits and @ . + - _"),
    _("%(value)s has an empty part; a path is written like Sales/North"),
    _("%(value)s is deeper than %(most)s levels or too long"),
    _("%(value)s names no unit"),
    _("%(value)s names several units; write one of %(known)s"),
    _("%(value)s is written %(known)s elsewhere"),
    _("%(value)s, but line %(line)s says %(other)s of %(name)s"),
    _("line %(name)s is given to %(holder)s in line %(line)s already"),
    _(
        "%(start)s lies before the last entry, which began at %(last)s; "
        "what held earlier is not rewritten"
    ),
)
"""Why one row is left out; the words follow its line and column."""
