"""What drivers say in plain English, gathered for translation: their names, and why a source's
options cannot be used (`directory.said` translates these)."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

TITLES: Final = (_("Cisco UCM call files"), _("Delimited text"))
REFUSALS: Final = (
    _("the %(driver)s driver has no option %(option)s"),
    _("option files must be a list of name patterns, such as cdr_*"),
    _("option columns must map fields of the standard record to columns"),
    _("option columns must be a list of column names, or one of %(counts)s"),
    _("option columns: the standard record has no field %(field)s"),
    _("option columns needs one of %(fields)s"),
    _("option columns lacks %(field)s"),
    _("option %(option)s must be a column name or a number from 1"),
    _("option %(option)s must be a column number from 1"),
    _("option %(option)s must be true or false"),
    _("option %(option)s must be text"),
    _("option %(option)s must be a whole number"),
    _("option %(option)s must be a list of texts"),
    _("option %(option)s must be one character"),
    _("option encoding: there is no encoding %(encoding)s"),
    _("option encoding: %(encoding)s does not keep plain digits and line ends"),
    _("option time_formats: %(format)s is no iso, epoch, epoch_ms or pattern"),
    _("option time_formats must name at least one"),
    _("option zone: there is no time zone %(zone)s"),
    _("option duration_unit must be s, ms or us"),
    _("option %(option)s must name its column"),
    _("option %(option)s: lists of values are %(words)s"),
)
