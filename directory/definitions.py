"""What each figure means: one definition, the same on every page and in docs/figures.md.

A page shows a figure's definition with `{% definition "key" %}`. A figure that is not
here has no definition and does not belong on a page.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Definition:
    """A figure's name and what exactly it counts."""

    label: Promise
    words: Promise


DEFINITIONS: dict[str, Definition] = {
    # --- calls ---------------------------------------------------------------------------
    "cost": Definition(
        _("Cost"),
        _(
            "What a call is charged to its payer by the tariff of its day, rounded once."
            " A call that no tariff prices is “not rated”, which is not the same as 0.00."
        ),
    ),
    "duration": Definition(
        _("Duration"),
        _(
            "The conversation, from answer to end; a begun second counts."
            " Zero when nobody answered, not even voicemail."
        ),
    ),
    "ring_time": Definition(
        _("Ring time"), _("From the start of the call until it was answered, or given up.")
    ),
    "billed_time": Definition(
        _("Billed time"),
        _("The conversation as the tariff counts it: rounded up to the increments of its steps."),
    ),
    "carrier_cost": Definition(
        _("Carrier's price"),
        _("What the carrier takes by its tariff, before any mark-up for the payer."),
    ),
    "call_totals": Definition(
        _("Sum of these calls"),
        _(
            "All calls that the filter leaves, on this page and on all others: their number,"
            " the conversations and the costs. Calls that are not rated have no cost in it."
        ),
    ),
    "data_up_to": Definition(
        _("Data up to"),
        _("The newest call record that any telephone system has brought; later calls are not in."),
    ),
    # --- the works -----------------------------------------------------------------------
    "part_state": Definition(
        _("State of a part"),
        _(
            "Running: it gave a sign of life within 40 seconds. Late: within 60."
            " Stopped: longer ago. Failing: it runs, and its last attempt went wrong."
        ),
    ),
    "backlog": Definition(
        _("What waits"),
        _(
            "Work that was asked for and not done yet, with the time that the oldest has waited."
            " All at zero: everything that came in has been seen to."
        ),
    ),
    "lag": Definition(
        _("Lag"),
        _(
            "The time since the newest record that a source has brought. It grows while nobody"
            " telephones; after three days without a record somebody should look."
        ),
    ),
    "outcome": Definition(
        _("Outcome"),
        _(
            "What became of a record: exactly one of stored, corrected, duplicate, quarantined"
            " or discarded."
        ),
    ),
    "lock_pending": Definition(
        _("Not confirmed"),
        _(
            "Lines whose telephone system has not said yet that it did what is wanted."
            " Failing: it was asked, and refused or did not answer."
        ),
    ),
    # --- home ----------------------------------------------------------------------------
    "month_cost": Definition(
        _("Cost of the month"),
        _(
            "What the calls of this month so far are charged, each currency by itself."
            " Compared with the same days of last month, the last of them whole. The month is"
            " yours, by your time zone; each call lies on the day it had at its office."
        ),
    ),
    "month_answered": Definition(
        _("Answered calls of the month"),
        _(
            "Calls of this month that somebody answered, voicemail not counted: received, made"
            " (with forwarded and handed over ones) and internal. A call that was transferred"
            " counts once for each part."
        ),
    ),
    "month_talk": Definition(
        _("Average call of the month"),
        _(
            "The talk time of the answered calls of this month, divided by their number. For your own"
            " calls the middle one is given too (of the newest 2,000): half of them were shorter."
        ),
    ),
    "month_answer": Definition(
        _("Time to answer of the month"),
        _(
            "How long incoming calls of this month rang until somebody answered them."
            " Calls that nobody answered are not in it; neither are internal ones."
        ),
    ),
    "missed_today": Definition(
        _("Missed today"),
        _(
            "Calls from outside that nobody of those looked at here answered since midnight of"
            " your time zone; voicemail is nobody. A call is still to be returned until there is"
            " an answered call with the same number after it, in either direction."
        ),
    ),
    # --- budgets -------------------------------------------------------------------------
    "budget_effective": Definition(
        _("Budget"),
        _(
            "What may be spent in this period: the amount assigned, what was carried over from"
            " the period before, and what was added to this period alone."
        ),
    ),
    "budget_spent": Definition(
        _("Current"),
        _(
            "The sum of the paid calls that began on the days of this period, by the local day"
            " of the payer's office. Received, internal and emergency calls never count; calls"
            " in another currency neither. A minutes budget counts talk time, rated or not."
        ),
    ),
    "budget_remaining": Definition(
        _("Remaining budget"),
        _(
            "Budget less what is spent; negative when more was spent. The minutes are an"
            " estimate from your own average price a minute of the last six weeks."
        ),
    ),
    "budget_percent": Definition(
        _("Spent in percent"),
        _("Spent divided by the budget of this period, rounded half up to hundredths."),
    ),
    "budget_threshold": Definition(
        _("Threshold"),
        _(
            "A percentage of the budget at which somebody is told or the phones are locked,"
            " once a period."
        ),
    ),
    "even_pace": Definition(
        _("Even pace"),
        _("Where spending would stand if the whole budget were spent in equal parts each day."),
    ),
    "forecast": Definition(
        _("Forecast"),
        _(
            "What the days to come would cost if they were like the same weekdays of the last six"
            " weeks. The range holds four cases in five; it grows with how much days differ and"
            " how few are known. With fewer than five days nothing is foretold."
        ),
    ),
    "budget_share": Definition(
        _("My own share"),
        _("The part of a shared budget that your own calls have used in this period."),
    ),
    # --- phones --------------------------------------------------------------------------
    "phone_status": Definition(
        _("Status"),
        _(
            "What is in force at the phone system, as far as it has confirmed it; beside it what"
            " has been asked for and is not confirmed yet. A phone is locked while anybody wants"
            " it locked; named is the strongest: administrator, budget, user, computer."
        ),
    ),
    "admin_lock": Definition(
        _("Admin lock"),
        _(
            "A lock that its user cannot lift. An administrator or supervisor sets it with a"
            " reason, for good or until an end; only they, or that end, lift it again."
        ),
    ),
}
