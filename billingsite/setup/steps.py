"""The steps of the set-up: what each is about, and how they stand.

A step is done when the rows it makes are there, whoever made them: the set-up's
pages, a set-up file or the administration. It is left out when somebody said so.
Budgets alone are done without a row too: whoever saves the step without one has decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from alarms.queries.mail_server import mail_config
from billingsite.models import SetupKey, SetupStep
from budgets.models import Budget
from cdr.models import Gateway, GatewayCarrier, Source, TariffVersion
from directory.installation import stored_installation
from directory.models import LineHolding, Site, User

DONE, SKIPPED, OPEN = "done", "skipped", "open"
NO_BUDGET: Final = "no_budget"
"""What the step of budgets remembers where somebody could make one and did not."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its page is `setup:<key>`."""

    key: SetupKey
    number: int
    icon: str
    title: Promise
    question: Promise

    @property
    def is_for_first(self) -> bool:
        """Whether the first to come may see it, before anybody administers."""
        return self.key in (SetupKey.LANGUAGE, SetupKey.ADMINISTRATOR)

    @property
    def route(self) -> str:
        return f"setup:{self.key.value}"

    @property
    def href(self) -> str:
        return reverse(self.route)


STEPS: Final = (
    Step(
        SetupKey.LANGUAGE,
        1,
        "language",
        _("Language, time zone, currency"),
        _("How times and amounts are written where nothing else is said."),
    ),
    Step(
        SetupKey.ADMINISTRATOR,
        2,
        "user",
        _("Administrator"),
        _("Who may set Tollgate up and see everything in it."),
    ),
    Step(
        SetupKey.MAIL,
        3,
        "mail",
        _("Mail"),
        _("The server that carries budget warnings. Until there is one, mails wait."),
    ),
    Step(
        SetupKey.CALLS,
        4,
        "phone",
        _("Phone system and calls"),
        _("Which telephone system there is and where it puts its call records."),
    ),
    Step(
        SetupKey.NUMBERS,
        5,
        "route",
        _("Numbers and gateways"),
        _("How people dial, which numbers are inside, and which lines lead out."),
    ),
    Step(
        SetupKey.PRICES,
        6,
        "receipt",
        _("Prices"),
        _("What calls cost: a few prices a minute, or your carrier's own list."),
    ),
    Step(
        SetupKey.PEOPLE,
        7,
        "users",
        _("People"),
        _("Who has which extension, so that calls belong to somebody."),
    ),
    Step(
        SetupKey.BUDGETS,
        8,
        "wallet",
        _("Budgets and locks"),
        _("How much everybody may spend, and what happens when it is spent."),
    ),
)
BY_KEY: Final[Mapping[SetupKey, Step]] = {step.key: step for step in STEPS}


@dataclass(frozen=True, slots=True)
class Standing:
    """How one step stands. `note` says why it was left out, if it was; `words` what is behind it."""

    step: Step
    state: str
    note: str = ""
    words: str | Promise = ""


def step_after(key: SetupKey) -> Step | None:
    """The next step; None behind the last."""
    return next((step for step in STEPS if step.number == BY_KEY[key].number + 1), None)


def standings(reader: User | None = None) -> list[Standing]:
    """How every step stands, in one or two queries; of no reader yet in as many."""
    rows = {row.key: row for row in SetupStep.objects.all()}
    found = _facts(reader)
    return [
        Standing(
            step,
            _state(found[f"has_{step.key.value}"], rows.get(step.key)),
            rows[step.key].note if step.key in rows else "",
            _words(step.key, found, rows.get(step.key)),
        )
        for step in STEPS
    ]


def _state(is_done: bool, row: SetupStep | None) -> str:  # noqa: FBT001 - a claim
    if is_done:
        return DONE
    return SKIPPED if row is not None and row.is_skipped else OPEN


def _words(key: SetupKey, found: Mapping[str, Any], row: SetupStep | None) -> str | Promise:
    """What a step without rows came to, or waits for, where its page was saved all the same."""
    if key is not SetupKey.BUDGETS or found["has_a_budget"] or row is None or row.is_skipped:
        return ""
    if found["has_budgets"]:
        return _("Saved without a budget: nobody is warned and no phone is locked by one.")
    return _("A budget for everybody needs people: do step 7 first.")


def open_steps(reader: User) -> tuple[list[Step], int]:
    """The steps still open, and how many are done; none open when the reader has put the
    reminder away. One query."""
    found = _facts(reader, with_rows=True)
    if found[f"left_out_{SetupKey.BANNER.value}"]:
        return [], 0
    left = [step for step in STEPS if not found[f"has_{step.key.value}"]]
    still_open = [step for step in left if not found[f"left_out_{step.key.value}"]]
    return still_open, len(STEPS) - len(left)


def _facts(reader: User | None, *, with_rows: bool = False) -> dict[str, Any]:
    """Which steps' rows are there: one query, whatever the size of the installation."""
    asked: dict[str, Any] = {
        "has_sites": Exists(Site.objects.all()),
        "has_calls": Exists(Source.objects.all()),
        "has_numbers": Exists(Gateway.objects.all()),
        "has_prices": Exists(_priced_gateways()),
        "has_people": Exists(LineHolding.objects.all()),
        "has_a_budget": Exists(Budget.objects.filter(deleted_at__isnull=True)),
        "wants_no_budget": Exists(
            SetupStep.objects.filter(
                key=SetupKey.BUDGETS, is_skipped=False, **{f"memory__{NO_BUDGET}": True}
            )
        ),
    }
    if with_rows:
        left_out = SetupStep.objects.filter(is_skipped=True)
        asked |= {f"left_out_{key.value}": Exists(left_out.filter(key=key)) for key in SetupKey}
    people = User.objects.filter(pk=reader.pk) if reader is not None else User.objects.all()
    row = people.order_by("pk").values(**asked).first()
    found: dict[str, Any] = dict(row) if row is not None else dict.fromkeys(asked, False)
    chosen = stored_installation()
    is_chosen = bool(chosen.time_zone or settings.INSTALLATION_TIME_ZONE)
    found["has_language"] = is_chosen or found["has_sites"]
    found["has_administrator"] = reader is not None
    found["has_budgets"] = found["has_a_budget"] or found["wants_no_budget"]
    found["has_mail"] = mail_config() is not None
    return found


def _priced_gateways() -> QuerySet[GatewayCarrier]:
    versions = TariffVersion.objects.filter(tariff=OuterRef("carrier__tariff"))
    return GatewayCarrier.objects.filter(Exists(versions))


# --- What people said of a step -------------------------------------------------------------------


def memory_of(key: SetupKey) -> dict[str, Any]:
    """What the step's page remembers."""
    row = SetupStep.objects.filter(key=key).first()
    return dict(row.memory) if row is not None else {}


def remember(key: SetupKey, *, at: datetime, by: str, **memory: Any) -> None:
    """Keep `memory` for the step's page, and take back that it was left out."""
    row, _is_new = SetupStep.objects.get_or_create(key=key, defaults={"changed_at": at})
    row.memory = row.memory | memory
    row.is_skipped, row.note = False, ""
    row.changed_at, row.changed_by = at, by[:150]
    row.save()


def leave_out(key: SetupKey, *, note: str, at: datetime, by: str) -> None:
    """Leave a step out for now; `note` says why."""
    values = {"is_skipped": True, "note": note[:300], "changed_at": at, "changed_by": by[:150]}
    SetupStep.objects.update_or_create(key=key, defaults=values)
