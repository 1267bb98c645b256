"""What the fields of set-up and facts are called in the administration.

Django names a field after its column, in English alone. Here the names that
administrators meet are said in words, in the reader's language; the columns, and so
the migrations, know nothing of it. A field that has a name of its own keeps it.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import Field
from django.utils.translation import gettext_lazy as _

OUR_APPS = ("directory", "cdr", "budgets", "phonelock", "alarms")
NAMES = {
    "name": _("name"),
    "country": _("country"),
    "time zone": _("time zone"),
    "currency": _("currency"),
    "language": _("language"),
    "exit code": _("exit code"),
    "international prefix": _("international prefix"),
    "national prefix": _("national prefix"),
    "area code": _("area code"),
    "extension patterns": _("extension patterns"),
    "local lengths": _("lengths of local numbers"),
    "emergency numbers": _("emergency numbers"),
    "allowed while locked": _("allowed while locked"),
    "transfer payment": _("who pays a transferred call"),
    "keep internal calls": _("keep internal calls"),
    "mask digits": _("hidden digits"),
    "site": _("site"),
    "driver": _("driver"),
    "folder": _("folder"),
    "options": _("options"),
    "is active": _("active"),
    "failure policy": _("when no decision is possible"),
    "callers": _("addresses allowed to ask"),
    "caller secret": _("secret in their address"),
    "last record at": _("last record"),
    "started at": _("started"),
    "answered at": _("answered"),
    "ended at": _("ended"),
    "call type": _("call type"),
    "extension": _("extension"),
    "user": _("user"),
    "status": _("status"),
    "source": _("source"),
    "number": _("number"),
    "destinations": _("destinations"),
    "origin": _("origin"),
    "made by": _("made by"),
    "made at": _("made"),
    "kind": _("kind"),
    "state": _("state"),
    "reason": _("reason"),
    "line": _("line"),
    "partition": _("partition"),
    "department": _("department"),
    "cost centre": _("cost centre"),
    "office": _("office"),
    "unit": _("unit"),
    "role": _("role"),
    "manager": _("manager"),
    "path": _("path"),
    "parent": _("parent unit"),
    "valid from": _("valid from"),
    "valid to": _("valid until"),
    "device": _("device"),
    "tariff": _("tariff"),
    "charge tariff": _("tariff for users"),
    "markup percent": _("mark-up in percent"),
    "surcharge micros": _("surcharge in millionths"),
    "period": _("period"),
    "budget": _("budget"),
    "amount": _("amount"),
    "note": _("note"),
    "position": _("line of the file"),
    "delivery": _("delivery"),
    "records read": _("records read"),
    "received at": _("received"),
    "finished at": _("finished"),
    "set aside at": _("set aside"),
    "gateway": _("gateway"),
    "carrier": _("carrier"),
    "attempts": _("attempts"),
    "last error": _("last error"),
    "subject": _("subject"),
    "recipient": _("recipient"),
    "spent": _("spent"),
}
HINTS = {
    "ISO 3166 code, such as IT": _("ISO 3166 code, such as IT"),
    "numbers and prefixes (ending in *) open to locked phones": _(
        "numbers and prefixes (ending in *) open to locked phones"
    ),
    "watched; absolute, or below the data folder": _("watched; absolute, or below the data folder"),
    "addresses that may ask for routing decisions": _(
        "addresses that may ask for routing decisions"
    ),
    "file or command it came from": _("file or command it came from"),
}


def name_fields() -> None:
    """Give the fields of our rows their names and hints, before any form is made of them."""
    for label in OUR_APPS:
        for model in apps.get_app_config(label).get_models():
            for field in model._meta.get_fields():
                if isinstance(field, Field):
                    _name(field)


def _name(field: Any) -> None:
    field.verbose_name = NAMES.get(str(field.verbose_name), field.verbose_name)
    field.help_text = HINTS.get(str(field.help_text), field.help_text)
