"""The set-up's steps about people, their budgets and the locks of their phones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billingsite.models import SetupKey
from billingsite.setup.company import first_line, ownerless_extensions, people_file_of
from billingsite.setup.drafts import Draft
from billingsite.setup.fields import joined
from billingsite.setup.forms_people import BudgetsForm, PeopleForm
from billingsite.setup.kept_files import BadFile, forget_file, keep_file, kept_file, note_flaw
from billingsite.setup.pages import SystemStep
from billingsite.setup.steps import NO_BUDGET, memory_of, remember
from billingsite.setup.trials import (
    CurriTrial,
    ask_ourselves,
    ask_with_a_lock,
    curri_path,
    emergency_number_of,
    is_only_for_this_machine,
    number_abroad,
    site_address,
    try_number,
)
from cdr.queries.sites import plan_of
from directory.models import Line, OrgUnit, UnitKind, User
from directory.operations.people import import_people
from directory.operations.people_report import PeopleReport
from directory.templatetags.navigation import address
from kernel.errors import DomainError
from phonelock.operations.publishing import publish_all
from phonelock.queries.switches import NONE as NO_LOCK
from phonelock.queries.switches import switches

SHOWN_PEOPLE = 20
SHOWN_REFUSALS = 50
MOST_UNITS = 500
FULL = 100


class PeoplePage(SystemStep):
    """Step 7."""

    key = SetupKey.PEOPLE
    template_name = "setup/people.html"

    def forms(self, request: HttpRequest | None) -> dict[str, Any]:
        self.extensions = ownerless_extensions(self.system)
        data, files = (request.POST, request.FILES) if request else (None, None)
        form = PeopleForm(
            data,
            files,
            extensions=len(self.extensions),
            has_kept_file=kept_file("people") is not None,
        )
        return {"form": form}

    def more_context(self) -> dict[str, Any]:
        if not hasattr(self, "system"):
            return {}
        return {
            "system": self.system,
            "extensions": self.extensions,
            "shown_extensions": [extension for _p, extension in self.extensions[:SHOWN_PEOPLE]],
            "more_extensions": max(0, len(self.extensions) - SHOWN_PEOPLE),
            "holders": User.objects.filter(holdings__valid_to__isnull=True, holdings__isnull=False)
            .distinct()
            .count(),
            "people_file": kept_file("people"),
            "import_href": address("directory:import_people"),
        }

    def _content(self, form: PeopleForm) -> bytes | None:
        """The people file meant; None with the flaw noted."""
        if form.cleaned_data["how"] == PeopleForm.EXTENSIONS:
            return people_file_of(self.extensions, self.system.site)
        file = form.cleaned_data.get("file")
        try:
            kept = keep_file("people", file) if file else kept_file("people")
        except BadFile as refusal:
            form.add_error("file", refusal.message)
            return None
        return kept.read() if kept is not None else None

    def test(self, *, form: PeopleForm) -> HttpResponse:
        report = self._tried(form)
        if report is None:
            return self.shown_again(form=form)
        return self.shown(form=form, report=report, **_told(report))

    def _tried(self, form: PeopleForm) -> PeopleReport | None:
        content = self._content(form)
        if content is None:
            return None
        is_file = form.cleaned_data["how"] == PeopleForm.FILE
        try:
            report = import_people(content=content, at=self.at, is_dry_run=True)
        except DomainError as refusal:
            if is_file:
                note_flaw("people", refusal.message)
            form.add_error("file", refusal.message)
            return None
        if is_file:
            note_flaw("people", "")
        return report

    def save(self, *, form: PeopleForm) -> HttpResponse:
        report = self._tried(form)
        if report is not None and report.refused:
            form.add_error(
                "file",
                ngettext(
                    "%(count)s row cannot be used; mend it in the file, or import the others"
                    " under Administration, Import people.",
                    "%(count)s rows cannot be used; mend them in the file, or import the others"
                    " under Administration, Import people.",
                    len(report.refused),
                )
                % {"count": len(report.refused)},
            )
            return self.shown_again(form=form, report=report, **_told(report))
        content = self._content(form)
        if report is None or content is None:
            return self.shown_again(form=form)
        draft = Draft()
        draft.add_people(content)
        draft.apply(at=self.at, by=self.by)
        remember(self.key, at=self.at, by=self.by)
        forget_file("people")
        count = len(report.new)
        return self.gone_on(
            ngettext("%(count)s person is new.", "%(count)s people are new.", count)
            % {"count": count}
        )


def _told(report: PeopleReport) -> dict[str, Any]:
    """A report's parts for the page, within bounds."""
    lines: dict[str, list[str]] = {}
    for person in report.new[:SHOWN_PEOPLE]:
        lines[person.username] = [
            change.what.removeprefix("line ")
            for change in person.changes
            if change.what.startswith("line ")
        ]
    return {
        "new_people": [(name, joined(held)) for name, held in lines.items()],
        "more_new": max(0, len(report.new) - SHOWN_PEOPLE),
        "refused": report.refused[:SHOWN_REFUSALS],
        "more_refused": max(0, len(report.refused) - SHOWN_REFUSALS),
    }


@dataclass(frozen=True, slots=True)
class Question:
    """One line of the lock's test: what is tried, and the answer."""

    words: str
    trial: CurriTrial
    is_as_it_should: bool


class BudgetsPage(SystemStep):
    """Step 8."""

    key = SetupKey.BUDGETS
    template_name = "setup/budgets.html"

    def forms(self, request: HttpRequest | None) -> dict[str, Any]:
        source = self.system.source
        typed = memory_of(self.key)
        switch = switches(site_ids=[self.system.site.pk]).get(self.system.site.pk)
        initial = {
            "unit": f"office:{self.system.site.name}",
            "lock": switch.driver if switch else NO_LOCK,
            "callers": joined(source.callers),
            "failure_policy": source.failure_policy.lower(),
            "warn_percent": 80,
            "is_locking": switch is not None,
            "try_number": number_abroad(self.system.site),
            **typed,
        }
        data = request.POST if request else None
        return {
            "form": BudgetsForm(
                data, initial=initial, units=self._units(), currency=self.system.site.currency
            )
        }

    def _units(self) -> list[tuple[str, str]]:
        """Units somebody belongs to: offices first."""
        order = (UnitKind.OFFICE, UnitKind.DEPARTMENT, UnitKind.COST_CENTRE)
        kinds = {kind: f"{kind.lower()}_members" for kind in order}
        found = []
        for kind, members in kinds.items():
            units = OrgUnit.objects.filter(kind=kind, **{f"{members}__valid_to__isnull": True})
            units = units.filter(**{f"{members}__isnull": False}).distinct().order_by("path")
            found += [(f"{kind.lower()}:{unit.path}", unit.path) for unit in units[:MOST_UNITS]]
        return found

    def more_context(self) -> dict[str, Any]:
        if not hasattr(self, "system"):
            return {}
        site = self.system.site
        return {
            "system": self.system,
            "curri_address": f"{site_address()}{curri_path(site.name)}",
            "is_local_address": is_only_for_this_machine(),
            "line": first_line(site),
        }

    def test(self, *, form: BudgetsForm) -> HttpResponse:
        outside = form.cleaned_data["try_number"]
        if not outside:
            form.add_error("try_number", _("Write a number to try."))
            return self.shown_again(form=form)
        line = first_line(self.system.site)
        if line is None:
            form.add_error(None, _("There is no extension to try with yet: make people in step 7."))
            return self.shown_again(form=form)
        number = try_number(outside, plan=plan_of(self.system.site))
        return self.shown(form=form, questions=self._questions(line, outside), tried=number)

    def _questions(self, line: Line, outside: str) -> list[Question]:
        site, at = self.system.site, self.at
        switch = switches(site_ids=[site.pk]).get(site.pk)
        emergency = emergency_number_of(site)
        found = []
        if switch is not None and switch.driver == "cucm":
            publish_all(now=at)
            trial = ask_ourselves(site, called=outside, at=at, line=line)
            found.append(Question(_("Now, as it is"), trial, trial.effect != ""))
        locked = ask_with_a_lock(site, called=outside, at=at, line=line)
        found.append(Question(_("Were the phone locked"), locked, locked.effect == "DENY"))
        saved = ask_with_a_lock(site, called=emergency, at=at, line=line)
        words = _("Were the phone locked: emergency number")
        found.append(Question(words, saved, saved.effect == "PERMIT"))
        return found

    def save(self, *, form: BudgetsForm) -> HttpResponse:
        values, draft = form.cleaned_data, Draft()
        source = self.system.source
        draft.add(
            "source",
            name=source.name,
            site=self.system.site.name,
            driver=source.driver,
            options={k: v for k, v in source.options.items() if k != "lock"},
            lock=values["lock"],
            callers=values["callers"],
            failure_policy=values["failure_policy"],
        )
        if values.get("amount") is not None:
            self._add_budget(draft, values)
        draft.apply(at=self.at, by=self.by)
        typed = {
            name: f"{values[name]:f}" if name == "amount" else values[name]
            for name in ("unit", "amount", "period", "warn_percent", "is_locking")
            if values.get(name) is not None
        }
        wants_none = "amount" in form.fields and values.get("amount") is None
        remember(self.key, at=self.at, by=self.by, **typed, **{NO_BUDGET: wants_none})
        if values.get("amount") is None:
            return self.gone_on(_("Saved. There is no budget yet."))
        return self.gone_on(_("Saved. Budgets count from the running period on."))

    def _add_budget(self, draft: Draft, values: dict[str, Any]) -> None:
        steps: list[dict[str, Any]] = []
        if values["warn_percent"]:
            steps.append({"percent": values["warn_percent"], "notify": ["user"]})
        steps.append(
            {
                "percent": FULL,
                "notify": ["user", "manager"],
                "lock": values["is_locking"] and values["lock"] != NO_LOCK,
            }
        )
        draft.add(
            "budget",
            **{"for": values["unit"]},
            members=True,
            amount=f"{values['amount']:f}",
            period=values["period"],
            thresholds=steps,
        )
