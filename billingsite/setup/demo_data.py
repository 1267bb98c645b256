"""The sample company, loaded into an installation that has none of its own."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from billingsite.demo import load, phone_books
from billingsite.demo.history import write_history
from billingsite.demo.memory import Memory
from billingsite.operations.apply import apply_set_up
from directory.models import Site
from directory.operations.work import Work
from kernel.clock import now


def may_load_demo() -> bool:
    """Whether there is no company here that the sample would be mixed with."""
    return not Site.objects.exists()


def run(work: Work) -> None:
    """Set Calder & Voss up and put three months of its calls into the drop folders.

    The pipeline prices them as it prices everybody's; its pages show them arriving.

    Raises:
        NotADemo: if a company of one's own has been set up meanwhile.
    """
    work.for_administrators()
    data_dir = Path(settings.DATA_DIR)
    load.refuse_other_company(data_dir)
    work.say(_("Setting up three sites and sixty people"))
    apply_set_up(load.write_setup(data_dir), at=now(), by="demo")
    load.let_sign_in(data_dir)
    phone_books.write_phone_books()
    work.say(_("Writing three months of calls"))
    written = 0
    for records in write_history(data_dir, Memory.load(data_dir), now=now()):
        written += records
        work.progress(written, None)
    word = load.password(data_dir)
    work.say(
        _("%(count)s records are on their way. Everybody there signs in with %(password)s.")
        % {"count": written, "password": word}
    )
