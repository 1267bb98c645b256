"""A company to look at: people, prices, budgets, three months of calls, and live ones."""

from __future__ import annotations

import io
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from billingsite import installation, lease, pipeline, services
from billingsite.demo import load, phone_books, presence
from billingsite.demo.history import write_history
from billingsite.demo.memory import Memory
from billingsite.management.commands import serve
from billingsite.operations.demo_removal import (
    NotOnlyTheDemo,
    outlook,
    remove_demo,
    settle_demo,
)
from billingsite.queries.demo_rows import own_administrators
from billingsite.setup.claim import has_administrator
from kernel import clock
from kernel.errors import DomainError

FILES_A_PASS = 4
LEASE_WAIT_SECONDS = 120.0


class Command(serve.Command):
    help = (
        "Set up the sample company Calder & Voss with three months of calls, feed live calls "
        "and serve it. Safe to repeat: what is there stays, the gap since the last time is filled. "
        "With --remove it is taken out again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-traffic", action="store_true", help="no live calls")
        parser.add_argument("--no-serve", action="store_true", help="load the company and end")
        parser.add_argument(
            "--remove",
            action="store_true",
            help="take the company out again, if nothing but it is here",
        )
        parser.add_argument("--yes", action="store_true", help="with --remove: do not ask")
        serve.add_address_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self.began = time.monotonic()
        data_dir = Path(settings.DATA_DIR)
        data_dir.mkdir(parents=True, exist_ok=True)
        try:
            if options["remove"]:
                self.remove(is_sure=options["yes"])
                return
            address = serve.address_of(options)
            if not options["no_serve"]:
                address.check_free()
            with services.only_one(data_dir):
                self.load(data_dir)
                if not options["no_serve"]:
                    traffic = {} if options["no_traffic"] else phones(data_dir, address)
                    self.serve(address, traffic)
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal

    def load(self, data_dir: Path) -> None:
        """Bring the company and its calls in, the way every customer does."""
        self.step("preparing the database")
        for _ in installation.prepare():
            pass
        with presence.alone(data_dir):
            settle_demo(clock=clock.now)
            self.load_company(data_dir)
        self.work_off()

    def load_company(self, data_dir: Path) -> None:
        load.refuse_other_company(data_dir)
        self.step("setting up Calder & Voss: three offices, sixty people, two carriers")
        call_command("apply", str(load.write_setup(data_dir)), stdout=io.StringIO())
        load.let_sign_in(data_dir)
        phone_books.write_phone_books()
        self.step("writing the telephone systems' call files")
        now = datetime.now(UTC)
        records = sum(write_history(data_dir, Memory.load(data_dir), now=now))
        self.step(f"reading and pricing {records:,} call records")

    def remove(self, *, is_sure: bool) -> None:
        """Take the company out again; a server may be running meanwhile."""
        known = outlook()
        if known.strangers:
            raise NotOnlyTheDemo(known.strangers)
        for figure in known.figures:
            self.say(f"{figure.number:>9,}  {figure.label}")
        own = ", ".join(own_administrators().values_list("username", flat=True))
        self.say(
            "All of it goes for good. What stays: the accounts of administrators "
            f"({own or 'there is none of your own'}), language, time zone, currency, mail server, "
            "the log of changes."
        )
        if not (is_sure or self.is_confirmed()):
            raise CommandError("nothing was changed")
        removal = remove_demo(clock=clock.now, say=lambda words: self.step(str(words)))
        self.step(f"the sample company is gone, with {removal.files:,} files")
        if not has_administrator():
            self.say("Nobody administers Tollgate now: python3 manage.py setup says how to begin.")

    def is_confirmed(self) -> bool:
        """Whether somebody at the terminal says yes; nobody there is no."""
        try:
            return input("Take the sample company out? Type yes: ").strip() == "yes"
        except EOFError:
            return False

    def work_off(self) -> None:
        held = lease.wait_for(clock=clock.now, seconds=LEASE_WAIT_SECONDS)
        if held is None:
            raise CommandError("another pass of the pipeline is at work; try again in a minute")
        order = pipeline.stages(files=FILES_A_PASS)
        report = pipeline.run(held, clock=clock.now, order=order, watch=self.show_progress)
        if report.errors:
            raise CommandError("; ".join(f"{k} failed: {v}" for k, v in report.errors.items()))
        self.step("done")

    def show_progress(self, report: pipeline.PassReport) -> None:
        mined = report.stages["mine"].did.get("records", 0)
        if mined and not report.is_idle:
            self.step(f"  {mined:,} records")

    def step(self, text: str) -> None:
        self.say(f"[{time.monotonic() - self.began:5.1f} s] {text}")

    def announce(self, address: services.Address) -> None:
        super().announce(address)
        self.say(
            f"""
  sign in as   giulia.ferri     whose budget for calls to ships is nearly spent
               stefano.ferrara  her supervisor
               ada.rinaldi      the administrator
               oliver.hughes    the auditor
  password     {load.password(Path(settings.DATA_DIR))}
  watch        within a minute Giulia's budget is spent: her phone is locked,
               and the mails about it stand in the outbox
  more         docs/demo.md
"""
        )


def phones(data_dir: Path, address: services.Address) -> dict[str, list[str]]:
    """The process that plays the telephone systems."""
    command = [sys.executable, "-m", "billingsite.demo.traffic", str(data_dir), address.url]
    return {"phones": command}
