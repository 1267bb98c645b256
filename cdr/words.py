"""The words of calls for people: engines and rows keep codes, faces take the words here."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from cdr.models import CallStatus, CallType

CALL_TYPES: Final[dict[str, Promise]] = {
    CallType.INCOMING_ANSWERED: _("incoming answered"),
    CallType.INCOMING_UNANSWERED: _("incoming unanswered"),
    CallType.OUTGOING_ANSWERED: _("outgoing answered"),
    CallType.OUTGOING_UNANSWERED: _("outgoing unanswered"),
    CallType.INTERNAL_ANSWERED: _("internal answered"),
    CallType.INTERNAL_UNANSWERED: _("internal unanswered"),
    CallType.TANDEM: _("tandem"),
    CallType.TRANSFER_RECEIVED: _("received by transfer"),
    CallType.TRANSFER_HANDED_OVER: _("handed over by transfer"),
    CallType.FORWARDED: _("forwarded outside"),
}
TYPE_HINTS: Final[dict[str, Promise]] = {
    CallType.INCOMING_ANSWERED: _("somebody outside called, and it was answered here"),
    CallType.INCOMING_UNANSWERED: _("somebody outside called and nobody answered: a missed call"),
    CallType.OUTGOING_ANSWERED: _("somebody here called outside and was answered"),
    CallType.OUTGOING_UNANSWERED: _("somebody here called outside and was not answered"),
    CallType.INTERNAL_ANSWERED: _("from one extension to another, answered"),
    CallType.INTERNAL_UNANSWERED: _("from one extension to another, not answered"),
    CallType.TANDEM: _("from outside through the phone system to outside"),
    CallType.TRANSFER_RECEIVED: _("the part of a transferred call after it was taken over"),
    CallType.TRANSFER_HANDED_OVER: _("an outgoing call that was dialled and then handed over"),
    CallType.FORWARDED: _("a call to an extension that was diverted outside"),
}
KINDS: Final[dict[str, Promise]] = {
    "outgoing": pgettext_lazy("kind of call", "outgoing"),
    "incoming": pgettext_lazy("kind of call", "incoming"),
    "missed": pgettext_lazy("kind of call", "missed"),
    "internal": pgettext_lazy("kind of call", "internal"),
    "forwarded": pgettext_lazy("kind of call", "forwarded"),
}
KIND_ICONS: Final = {
    "outgoing": "M17 7 7 17M8 7h9v9",
    "incoming": "M17 7 7 17M16 17H7V8",
    "missed": "M18 8 8 18M15 18H8v-7M4 4h16",
    "internal": "M4 8h15m-4-4 4 4-4 4M20 16H5m4-4-4 4 4 4",
    "forwarded": "M4 18v-5a4 4 0 0 1 4-4h12m-5-5 5 5-5 5",
}
CLASSES: Final[dict[str, Promise]] = {
    "internal": pgettext_lazy("class of number", "internal"),
    "local": pgettext_lazy("class of number", "local"),
    "national": pgettext_lazy("class of number", "national"),
    "mobile": pgettext_lazy("class of number", "mobile"),
    "international": pgettext_lazy("class of number", "international"),
    "toll-free": pgettext_lazy("class of number", "toll-free"),
    "shared": pgettext_lazy("class of number", "shared cost"),
    "premium": pgettext_lazy("class of number", "premium rate"),
    "emergency": pgettext_lazy("class of number", "emergency"),
    "on-net": pgettext_lazy("class of number", "private network"),
    "unknown": pgettext_lazy("class of number", "unknown"),
}
STATUS: Final[dict[str, Promise]] = {
    CallStatus.RATED: _("rated"),
    CallStatus.UNRATED: _("not rated"),
}
UNRATED: Final[dict[str, Promise]] = {
    "no_carrier": _("no carrier stands behind this gateway at that time"),
    "no_tariff": _("the carrier has no tariff"),
    "no_tariff_version": _("the tariff has no prices yet"),
    "currency": _("the carrier's tariff has another currency than the site"),
    "no_prefix": _("no prefix of the tariff fits the number"),
    "not_valid": _("the prefix has no price on that day"),
    "no_price": _("the tariff knows the destination and has no price for it"),
    "no_band": _("the tariff has no price for that time of day"),
    "barred": _("the tariff bars this destination"),
}
UNRATED_CURES: Final[dict[str, Promise]] = {
    "no_carrier": _("Give the gateway a carrier for that time, then rate the calls again."),
    "no_tariff": _("Give the carrier a tariff, then rate the calls again."),
    "currency": _("Give the carrier a tariff in the site's currency, then rate the calls again."),
    "no_prefix": _("Add the destination to the tariff, then rate the calls again."),
    "not_valid": _("Give the prefix a price for that day, then rate the calls again."),
    "no_price": _("Give the destination a price in the tariff, then rate the calls again."),
    "no_band": _("Add a band for that time to the tariff, then rate the calls again."),
    "barred": _("Take the block from the tariff if such calls are allowed, then rate them again."),
}
ADJUSTMENTS: Final[dict[str, Promise]] = {
    "corrected": _("The phone system sent a corrected record"),
    "leg_completed": _("The missing part of the conversation came in"),
    "rerated": _("The call was rated again"),
}
SET_ASIDE: Final[dict[str, Promise]] = {
    "bad_field": _("a value cannot be read"),
    "missing_field": _("a value is missing"),
    "missing_column": _("a column is missing from the file"),
    "field_count": _("the line has too few or too many fields"),
    "too_many_fields": _("the line has far too many fields"),
    "bad_csv": _("the quotation marks of the line do not pair"),
    "bad_json": _("the line is not JSON"),
    "bad_encoding": _("the text is not UTF-8"),
    "line_too_long": _("the line is too long"),
    "truncated": _("the file ends within the line"),
    "not_a_file": _("it is not a plain file"),
    "unreadable_file": _("the file could not be read to its end"),
    "file_too_large": _("the file is too large"),
    "packed_file": _("the file is compressed"),
    "poison_file": _("the file stopped the work several times"),
    "other_source": _("the record names another source"),
    "future": _("the call starts in the future"),
    "too_old": _("the call is older than calls are kept"),
    "implausible": _("the times of the call cannot be true"),
    "database": _("the database refused the record"),
    "internal_error": _("working on the record failed"),
}
"""Why a record was set aside; drivers and rows keep the codes."""


def word(words: dict[str, Promise], code: str) -> str:
    """The words of `code`; a code that has none yet stands for itself."""
    return str(words.get(code, code))


OF_THE_CHARGE: Final = "charge_"
"""Stands before the code where the tariff for users has no price, and not the carrier's."""


def why_unrated(code: str) -> str:
    """Why a call has no price, as a part of a sentence."""
    return word(UNRATED, code.removeprefix(OF_THE_CHARGE))


def unrated_words(code: str) -> str:
    """Why a call has no price, as a sentence."""
    return gettext("Not rated: %(reason)s.") % {"reason": why_unrated(code)}


def unrated_cure(code: str) -> str:
    """What an administrator does about it."""
    return word(UNRATED_CURES, code.removeprefix(OF_THE_CHARGE))
