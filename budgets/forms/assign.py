"""The steps of the assignment wizard: for whom; how much; what happens when; a check.

Everything chosen so far travels in the address, so that the back button, a bookmark
and a colleague who is sent the address all see the same step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from budgets.engine.carry import CarryRule
from budgets.engine.terms import BadTerms, Terms, check
from budgets.engine.thresholds import Step, default_steps
from budgets.forms.acts import PERIOD_WORDS, AmountField, in_measure
from budgets.models import Measure
from budgets.operations.families import COUNTABLE_CLASSES
from cdr.words import CLASSES
from directory.models import LineHolding, OrgUnit, User, valid_at

PERSON: Final = "person"
UNIT: Final = "unit"
EACH: Final = "each"
STEP_ROWS: Final = range(1, 6)
MOST_CANDIDATES: Final = 12


class UnitChoice(forms.ModelChoiceField):
    """Units under their kind, by path."""

    def label_from_instance(self, obj: Any) -> str:
        """`Department: Sales / Italy`."""
        return f"{obj.get_kind_display().capitalize()}: {obj.path.replace('/', ' / ')}"


class WhoForm(forms.Form):
    """Step 1: for whom."""

    whom = forms.ChoiceField(
        label=_("For whom"),
        choices=[
            (PERSON, _("One person")),
            (UNIT, _("A unit as a whole: one sum over all its members")),
            (EACH, _("Each member of a unit: the same budget for everybody, joiners included")),
        ],
        initial=PERSON,
        widget=forms.RadioSelect,
    )
    person = forms.CharField(
        label=_("Person"),
        required=False,
        max_length=150,
        help_text=_("For one person: user name, extension or part of the name"),
    )
    unit = UnitChoice(
        label=_("Unit"),
        queryset=OrgUnit.objects.none(),
        required=False,
        empty_label="—",
        help_text=_("For a unit as a whole, or for each of its members"),
    )
    takes_one_of_several = True

    def __init__(
        self,
        *args: Any,
        people: QuerySet[User],
        units: QuerySet[OrgUnit],
        at: datetime,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._people = people
        self._at = at
        self.candidates: Sequence[User] = ()
        field = self.fields["unit"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - for the type checker
        field.queryset = units.order_by("kind", "path")

    def clean(self) -> dict[str, Any]:
        """Find the person, or the unit, that is meant."""
        words = super().clean() or self.cleaned_data
        if words.get("whom") == PERSON:
            typed = words.get("person", "").strip()
            if not typed:
                self.add_error("person", _("Say whose budget it is."))
            else:
                words["holder"] = self._found(typed)
        elif words.get("whom") and not words.get("unit") and "unit" not in self.errors:
            self.add_error("unit", _("Choose a unit."))
        else:
            words["holder"] = words.get("unit")
        return words

    def _found(self, typed: str) -> User | None:
        held = LineHolding.objects.filter(valid_at(self._at), line__extension=typed)
        exact = self._people.filter(Q(username=typed) | Q(pk__in=held.values("user_id")))
        found = list(exact.order_by("username")[:MOST_CANDIDATES])
        if not found:
            close = self._people
            for word in typed.split()[:5]:
                close = close.filter(
                    Q(username__icontains=word)
                    | Q(first_name__icontains=word)
                    | Q(last_name__icontains=word)
                )
            found = list(close.order_by("last_name", "username")[:MOST_CANDIDATES])
        if len(found) == 1:
            return found[0]
        if found:
            self.candidates = found
            self.add_error("person", _("Several people are called so; choose one below."))
        else:
            self.add_error("person", _("Nobody of that name, username or extension is in reach."))
        return None

    @property
    def for_each_member(self) -> bool:
        return bool(self.cleaned_data["whom"] == EACH)


class TermsForm(forms.Form):
    """Step 2: what is counted, how much, in which rhythm, and what becomes of the rest."""

    measure = forms.ChoiceField(
        label=_("Counts"),
        choices=[(Measure.MONEY, _("Money")), (Measure.MINUTES, _("Minutes of talk"))],
        initial=Measure.MONEY,
        widget=forms.RadioSelect,
    )
    amount = AmountField(label=_("Amount"), help_text=_("in the currency, or in minutes"))
    period = forms.ChoiceField(label=_("Period"), choices=PERIOD_WORDS.items(), initial="month")
    starts_on = forms.IntegerField(
        label=_("Starts on day"),
        min_value=1,
        max_value=31,
        initial=1,
        help_text=_("Month: 1 to 31. Week: 1 (Monday) to 7. Day: leave it at 1."),
    )
    classes = forms.MultipleChoiceField(
        label=_("Counts only calls to"),
        required=False,
        choices=[(name, words) for name, words in CLASSES.items() if name in COUNTABLE_CLASSES],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all of them. Emergency calls never count."),
    )
    carry_over = forms.BooleanField(
        label=_("What is left is carried over to the next period"), required=False
    )
    carry_cap = AmountField(
        label=_("Carry over at most"),
        required=False,
        help_text=_("Empty: at most the amount of the budget."),
    )
    carry_debt = forms.BooleanField(
        label=_("What was spent beyond the budget is carried over as a debt"), required=False
    )

    def clean(self) -> dict[str, Any]:
        """Refuse terms that contradict themselves, with the engine's own check."""
        words = super().clean() or self.cleaned_data
        if not self.errors:
            if words["period"] == "day":
                words["starts_on"] = 1
            if (words["carry_cap"] or words["carry_debt"]) and not words["carry_over"]:
                self.add_error(
                    "carry_over", _("Say yes here, or leave the two fields below empty.")
                )
            try:
                check(self.terms(()), classes=COUNTABLE_CLASSES)
            except BadTerms as refusal:
                self.add_error(None, str(refusal))
        return words

    def terms(self, steps: tuple[Step, ...]) -> Terms:
        """The checked words as terms with these thresholds."""
        words = self.cleaned_data
        measure = words["measure"]
        cap = in_measure(words["carry_cap"], measure) if words["carry_cap"] else None
        carry = CarryRule(cap=cap, debt=words["carry_debt"]) if words["carry_over"] else None
        return Terms(
            amount=in_measure(words["amount"], measure),
            steps=steps,
            measure=measure,
            period=words["period"],
            starts_on=words["starts_on"],
            number_classes=tuple(sorted(words["classes"])),
            carry=carry,
        )


class EventsForm(forms.Form):
    """Step 3: at which percent whom to tell, and where to lock."""

    def __init__(self, *args: Any, with_lock: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual = dict(enumerate(default_steps(with_lock=with_lock), 1))
        for row in STEP_ROWS:
            step = usual.get(row, Step(0))
            self.fields[f"percent_{row}"] = forms.IntegerField(
                label=_("At percent"),
                required=False,
                min_value=1,
                max_value=1000,
                initial=step.percent or None,
            )
            for name, words in (
                ("user", _("User")),
                ("manager", _("Manager")),
                ("administrator", _("Administrator")),
            ):
                self.fields[f"{name}_{row}"] = forms.BooleanField(
                    label=words, required=False, initial=name in step.notify
                )
            self.fields[f"mail_{row}"] = forms.EmailField(
                label=_("Another address"), required=False
            )
            self.fields[f"lock_{row}"] = forms.BooleanField(
                label=_("Lock the phones"), required=False, initial=step.locks
            )

    def rows(self) -> Iterator[dict[str, forms.BoundField]]:
        """The fields of each line of the table."""
        for row in STEP_ROWS:
            names = ("percent", "user", "manager", "administrator", "mail", "lock")
            yield {name: self[f"{name}_{row}"] for name in names}

    def clean(self) -> dict[str, Any]:
        """Each percent once; a line without a percent does nothing and must be empty."""
        words = super().clean() or self.cleaned_data
        seen: set[int] = set()
        for row in STEP_ROWS:
            percent = words.get(f"percent_{row}")
            acts = any(words.get(f"{name}_{row}") for name in ("mail", "lock"))
            if percent is None and acts:
                self.add_error(f"percent_{row}", _("At which percent?"))
            elif percent in seen:
                self.add_error(f"percent_{row}", _("This percent is there twice."))
            elif percent is not None:
                seen.add(percent)
        return words

    def steps(self) -> tuple[Step, ...]:
        """The thresholds, ascending."""
        words = self.cleaned_data
        found = []
        for row in STEP_ROWS:
            percent = words.get(f"percent_{row}")
            if percent is None:
                continue
            notify = [
                name for name in ("user", "manager", "administrator") if words[f"{name}_{row}"]
            ]
            if words[f"mail_{row}"]:
                notify.append(words[f"mail_{row}"])
            found.append(Step(percent, tuple(notify), locks=words[f"lock_{row}"]))
        return tuple(sorted(found, key=lambda each: each.percent))
