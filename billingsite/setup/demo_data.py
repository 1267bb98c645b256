"""The sample company: loaded into an installation that has none of its own, and taken out."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_noop

from billingsite.demo import load, phone_books, presence
from billingsite.demo.history import write_history
from billingsite.demo.memory import Memory
from billingsite.operations.apply import apply_set_up
from billingsite.operations.demo_removal import (
    refuse_people_of_the_sample,
    remove_demo,
    settle_demo,
)
from billingsite.queries.demo_rows import sample_sites
from directory.models import Site
from directory.operations.work import Work
from kernel.clock import now
from kernel.sentences import Sentence, sentence


def may_load_demo() -> bool:
    """Whether there is no company here that the sample would be mixed with."""
    return not Site.objects.exists()


def run(work: Work) -> None:
    """Set Calder & Voss up and put three months of its calls into the drop folders.

    The pipeline prices them as it prices everybody's; its pages show them arriving.

    Raises:
        NotADemo: if a company of one's own has been set up meanwhile.
        DemoIsBusy: if somebody else is loading it or taking it out.
    """
    work.for_administrators()
    data_dir = Path(settings.DATA_DIR)
    with presence.alone(data_dir):
        settle_demo(clock=work.clock)
        _load(work, data_dir)


def _load(work: Work, data_dir: Path) -> None:
    load.refuse_other_company(data_dir)
    work.say(sentence(gettext_noop("Setting up three sites and sixty people")))
    apply_set_up(load.write_setup(data_dir), at=now(), by="demo")
    load.let_sign_in(data_dir)
    phone_books.write_phone_books()
    work.say(sentence(gettext_noop("Writing three months of calls")))
    written = 0
    for records in write_history(data_dir, Memory.load(data_dir), now=now()):
        written += records
        work.progress(written, None)
    word = load.password(data_dir)
    work.say(
        sentence(
            gettext_noop(
                "%(count)s records are on their way. Everybody there signs in with %(password)s."
            ),
            count=written,
            password=word,
        )
    )


def has_demo() -> bool:
    """Whether the sample company is here, or the rest of it."""
    data_dir = Path(settings.DATA_DIR)
    if presence.leaving(data_dir) is not None:
        return True
    return presence.is_loaded(data_dir) and sample_sites().exists()


def run_removal(work: Work) -> None:
    """Take Calder & Voss out again, wholly or not at all.

    Raises:
        NoOwnAdministrator: if the owner of the job would go with it.
        DomainError: what `remove_demo` refuses.
    """
    work.for_administrators()
    refuse_people_of_the_sample(work.owner)

    def say(words: Sentence) -> None:
        work.say(words)
        work.beat()

    def go_on() -> None:
        work.beat()
        work.progress(0)  # whoever cancelled it in time loses nothing

    removal = remove_demo(clock=work.clock, say=say, go_on=go_on)
    work.leads_to(reverse("setup:checklist"))
    work.say(
        sentence(
            gettext_noop("The sample company is gone, with %(files)s files."),
            files=removal.files,
        )
    )
