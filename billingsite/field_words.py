"""What the fields of set-up and facts are called in the administration.

Django names a field after its column, in English alone. Here the names that
administrators meet are said in words, in the reader's language; the columns, and so
the migrations, know nothing of it. A field that has a name of its own keeps it; where one
name means two things, that of the field (`Model.field`) goes first.
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
    "may reveal numbers": _("may see numbers in clear"),
    "custom 1": _("custom field 1"),
    "custom 2": _("custom field 2"),
    "custom 3": _("custom field 3"),
    "custom 4": _("custom field 4"),
    "custom 5": _("custom field 5"),
    "custom 6": _("custom field 6"),
    "custom 7": _("custom field 7"),
    "custom 8": _("custom field 8"),
    "custom 9": _("custom field 9"),
    "custom 10": _("custom field 10"),
    "owner": _("owner"),
    "number masked": _("number is masked"),
    "title": _("title"),
    "done": _("done so far"),
    "total": _("total"),
    "words": _("what it says"),
    "answer": _("answer"),
    "error": _("error"),
    "asked at": _("asked on"),
    "heartbeat at": _("last sign of life"),
    "cancel asked at": _("asked to stop"),
    "start": _("first letters"),
    "used at": _("last used"),
    "ApiToken.digest": _("fingerprint"),
    "OutboxMessage.digest": _("summary mail"),
    "claim": _("claim of the file"),
    "content hash": _("hash of the content"),
    "sequence": _("order"),
    "size bytes": _("size in bytes"),
    "next line": _("next line to read"),
    "duplicate of": _("duplicate of another file"),
    "call": _("call of the record"),
    "detail": _("detail"),
    "settled at": _("settled"),
    "settled by": _("settled by"),
    "settled reason": _("why it was settled"),
    "document hash": _("hash of the document"),
    "call id": _("number of the call at the switch"),
    "leg": _("leg of the call"),
    "local date": _("local day"),
    "local hour": _("local hour"),
    "ring ms": _("ring time in milliseconds"),
    "talk ms": _("talk time in milliseconds"),
    "is voicemail": _("answered by voicemail"),
    "number is internal": _("number is internal"),
    "number class": _("class of the number"),
    "area": _("area"),
    "nation": _("country of the number"),
    "gateway name": _("gateway as the switch names it"),
    "from trunk leg": _("leg from outside"),
    "to trunk leg": _("leg to outside"),
    "is paid": _("costs money"),
    "unrated reason": _("why it has no price"),
    "billed ms": _("billed time in milliseconds"),
    "cost micros": _("cost in millionths"),
    "charge micros": _("charge in millionths"),
    "tariff version": _("version of the tariff"),
    "matched prefix": _("prefix that fitted"),
    "old cost micros": _("cost before, in millionths"),
    "new cost micros": _("cost after, in millionths"),
    "old charge micros": _("charge before, in millionths"),
    "new charge micros": _("charge after, in millionths"),
    "user key": _("number of the user"),
    "department key": _("number of the department"),
    "cost centre key": _("number of the cost centre"),
    "office key": _("number of the office"),
    "source key": _("number of the source"),
    "calls": _("calls"),
    "answered calls": _("answered calls"),
    "paid calls": _("calls that cost money"),
    "paid talk ms": _("talk time that costs money, in milliseconds"),
    "unrated calls": _("calls without a price"),
    "until": _("until"),
    "beaten at": _("last beat"),
    "for each member": _("one for each member"),
    "template": _("made by the budget of"),
    "measure": _("counted in"),
    "starts on": _("first day"),
    "number classes": _("classes of numbers"),
    "classes key": _("classes in one word"),
    "carry over": _("carry over what is left"),
    "carry cap": _("carry over at most"),
    "carry debt": _("carry over what was overspent"),
    "extra recipient": _("further recipient"),
    "assigned at": _("assigned on"),
    "deleted at": _("ended on"),
    "members seen at": _("members looked through"),
    "members seen id": _("last membership known then"),
    "percent": _("percent"),
    "notify": _("tells"),
    "Threshold.lock": _("locks the phones"),
    "since": _("since"),
    "ends before": _("first day after it"),
    "starts at": _("begins"),
    "ends at": _("ends"),
    "base": _("assigned amount"),
    "carried": _("carried over"),
    "adjusted": _("added for this period"),
    "is unseen": _("to be looked at"),
    "fires from": _("next threshold at"),
    "resets below": _("takes a threshold back below"),
    "is locking": _("locks phones"),
    "is overridden": _("kept open all the same"),
    "hands on": _("hands its rest on"),
    "carried told": _("carried over, as last told"),
    "counted units": _("units that counted"),
    "closes at": _("closes"),
    "closed at": _("closed on"),
    "closed spent": _("spent when it closed"),
    "closed calls": _("calls when it closed"),
    "late amount": _("amount of late calls"),
    "late calls": _("late calls"),
    "generation": _("how many times"),
    "effective": _("may be spent"),
    "crossed at": _("reached"),
    "reset at": _("taken back"),
    "details": _("details"),
    "key": _("key of the entry"),
    "recipients": _("recipients"),
    "values": _("figures"),
    "swept at": _("taken over"),
    "asked": _("amount asked for"),
    "granted": _("amount granted"),
    "answered by": _("answered by"),
    "wished at": _("wished"),
    "lifted at": _("lifted"),
    "lifted because": _("why it was lifted"),
    "admin since": _("admin lock since"),
    "admin by": _("admin lock by"),
    "admin reason": _("reason of the admin lock"),
    "admin until": _("admin lock until"),
    "budget since": _("budget lock since"),
    "budget by": _("budget lock by"),
    "budget reason": _("reason of the budget lock"),
    "user since": _("own lock since"),
    "user by": _("own lock by"),
    "user reason": _("reason of the own lock"),
    "session since": _("computer's lock since"),
    "session by": _("computer's lock by"),
    "session reason": _("reason of the computer's lock"),
    "wanted": _("wanted state"),
    "wanted flag": _("strongest reason"),
    "version": _("version"),
    "order id": _("number of the order"),
    "confirmed": _("confirmed state"),
    "confirmed version": _("version confirmed"),
    "confirmed at": _("confirmed on"),
    "next attempt at": _("next attempt"),
    "failed since": _("fails since"),
    "flag": _("kind of lock"),
    "state before": _("state before"),
    "state after": _("state after"),
    "result": _("result"),
    "probe due at": _("next trial"),
    "decided at": _("decided"),
    "calling": _("calling number"),
    "called": _("called number"),
    "effect": _("decision taken"),
    "policy": _("rule applied"),
    "micros": _("time taken in microseconds"),
    "dedupe key": _("key against duplicates"),
    "channel": _("channel"),
    "text body": _("text"),
    "html body": _("text as HTML"),
    "lease until": _("taken until"),
    "is in data": _("handed to the server"),
    "maybe duplicate": _("may have gone out twice"),
    "message id": _("number of the mail"),
    "created at": _("made on"),
    "expires at": _("expires"),
    "sent at": _("sent on"),
    "notice": _("notice"),
    "mail": _("mail"),
    "became": _("became of it"),
    "said": _("reply of the server"),
    "by": _("by"),
    "opened at": _("paused since"),
    "address": _("address"),
    "hard bounces": _("times undeliverable"),
    "last bounced at": _("last undeliverable"),
    "suppressed at": _("not mailed since"),
}
NOTED = {
    "created at": _("made"),
    "type": _("kind"),
    "new": _("New"),
    "changed": _("changed"),
    "refused": _("Refused rows"),
    "units": _("units"),
}
"""What the log of changes speaks of besides: fields of libraries, the figures of a run."""
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
    "gives an office its zone and currency": _("gives an office its zone and currency"),
    "digits hidden from this viewer; the stricter rule wins": _(
        "digits hidden from this viewer; the stricter rule wins"
    ),
    "a deputy's first moment; empty: since ever": _("a deputy's first moment; empty: since ever"),
    "when a deputy's grant ends; empty: until further notice": _(
        "when a deputy's grant ends; empty: until further notice"
    ),
    "the first letters, to know it again": _("the first letters, to know it again"),
    "noted once an hour": _("noted once an hour"),
    "what the work says of itself": _("what the work says of itself"),
    "line in the file the switch wrote": _("line in the file the switch wrote"),
    "order of the content among corrections": _("order of the content among corrections"),
    "day of the start in the zone of the payer's office": _(
        "day of the start in the zone of the payer's office"
    ),
    "has an outside leg that we dialled": _("has an outside leg that we dialled"),
    "corrected, leg_completed, rerated, …": _("corrected, leg_completed, rerated, …"),
    "of the record's content": _("of the record's content"),
    "why it was parked": _("why it was parked"),
    "first line not yet mined": _("first line not yet mined"),
    "stable code, such as implausible": _("stable code, such as implausible"),
    "what and where, for people": _("what and where, for people"),
    "somebody answered; voicemail is not somebody": _(
        "somebody answered; voicemail is not somebody"
    ),
    "of the answered calls, until the answer": _("of the answered calls, until the answer"),
    "of calls with a paid leg, rated or not": _("of calls with a paid leg, rated or not"),
    "prices for users, where they differ from the carrier's": _(
        "prices for users, where they differ from the carrier's"
    ),
    "per paid call, after the mark-up, in millionths": _(
        "per paid call, after the mark-up, in millionths"
    ),
    "millionths of the currency, or milliseconds": _("millionths of the currency, or milliseconds"),
    "counts only these classes; empty = all": _("counts only these classes; empty = all"),
    "the classes in one word, so that a kind is unique": _(
        "the classes in one word, so that a kind is unique"
    ),
    "most that may be carried; empty = the base amount": _(
        "most that may be carried; empty = the base amount"
    ),
    "when the members were last looked through": _("when the members were last looked through"),
    "newest membership there was at that time": _("newest membership there was at that time"),
    "user, manager, administrator, or mail addresses": _(
        "user, manager, administrator, or mail addresses"
    ),
    "added to this period alone, with a reason; negative = taken away": _(
        "added to this period alone, with a reason; negative = taken away"
    ),
    "made or changed, and not looked at since": _("made or changed, and not looked at since"),
    "spent that reaches the next threshold": _("spent that reaches the next threshold"),
    "spent under which the highest latch is reset": _(
        "spent under which the highest latch is reset"
    ),
    "its lock threshold is reached and nobody overrode it": _(
        "its lock threshold is reached and nobody overrode it"
    ),
    "unlocked until the period ends": _("unlocked until the period ends"),
    "carry-over was on when it ended: the next began with its rest": _(
        "carry-over was on when it ended: the next began with its rest"
    ),
    "carried, as the history last said it": _("carried, as the history last said it"),
    "ids of the unit and its sub-units when it ended": _(
        "ids of the unit and its sub-units when it ended"
    ),
    "the member concerned, where the budget has several": _(
        "the member concerned, where the budget has several"
    ),
    "figures for the text, whole numbers and ISO": _("figures for the text, whole numbers and ISO"),
    "when phonelock last took the present state over": _(
        "when phonelock last took the present state over"
    ),
    "the one member it is for; empty = the whole budget": _(
        "the one member it is for; empty = the whole budget"
    ),
    "why so": _("why so"),
    "time taken, in microseconds": _("time taken, in microseconds"),
    "the one mail that told this and others, where there were too many": _(
        "the one mail that told this and others, where there were too many"
    ),
    "in lower case": _("in lower case"),
}


def said_name(name: str) -> str:
    """The name of a field as it is said; one that has words of its own keeps them."""
    return str(NAMES.get(name) or NOTED.get(name) or name)


def name_fields() -> None:
    """Give the fields of our rows their names and hints, before any form is made of them."""
    for label in OUR_APPS:
        for model in apps.get_app_config(label).get_models():
            for field in model._meta.get_fields():
                if isinstance(field, Field):
                    _name(field)


def _name(field: Any) -> None:
    usual = NAMES.get(str(field.verbose_name), field.verbose_name)
    field.verbose_name = NAMES.get(f"{field.model.__name__}.{field.name}", usual)
    field.help_text = HINTS.get(str(field.help_text), field.help_text)
