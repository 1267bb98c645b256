"""The demo company on disk: its set-up file, people and price lists; and who may sign in."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.db.models import Q

from billingsite.demo.company import ASSETS, OFFICES, people
from billingsite.demo.decks import CARRIERS, document
from directory.models import Site, User
from kernel.errors import DomainError

PASSWORD_WORDS = ("harbour", "lantern", "compass", "anchor", "rudder", "beacon", "cargo", "tide")


class NotADemo(DomainError):
    """The database holds another company; the demo leaves it alone."""

    code = "not_a_demo"


def refuse_other_company(data_dir: Path) -> None:
    """Raise NotADemo unless the database is empty or holds the demo company only."""
    known = {office.name for office in OFFICES}
    other = Site.objects.exclude(name__in=known).values_list("name", flat=True).first()
    has_sites = Site.objects.exists()
    if other or (has_sites and not (data_dir / "demo").is_dir()):
        raise NotADemo(
            f"this installation holds a company of its own (site {other or Site.objects.first()}); "
            "run the demo with a fresh DATA_DIR and without DATABASE_URL"
        )


def write_setup(data_dir: Path) -> Path:
    """Write the set-up file, the people and the price lists below `data_dir`; give back the first."""
    folder = data_dir / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    for carrier in CARRIERS:
        for office in OFFICES:
            text = json.dumps(document(carrier, office), indent=1)
            (folder / carrier.file_name(office)).write_text(text, encoding="utf-8")
    shutil.copyfile(ASSETS / "people.csv", folder / "people.csv")
    return Path(shutil.copyfile(ASSETS / "setup.toml", folder / "setup.toml"))


def password_file(data_dir: Path) -> Path:
    """Where the demo's password is kept; there is none where no demo was made."""
    return data_dir / "demo" / "password"


def password(data_dir: Path) -> str:
    """The password of everybody in this demo, drawn once for the data folder."""
    path = password_file(data_dir)
    if not path.is_file():
        words = "-".join(secrets.choice(PASSWORD_WORDS) for _ in range(2))
        fresh = path.with_name(".password.part")
        fresh.touch(mode=0o600)
        fresh.write_text(f"{words}-{secrets.randbelow(10**8):08}", encoding="utf-8")
        fresh.replace(path)
    return path.read_text(encoding="utf-8")


def let_sign_in(data_dir: Path) -> None:
    """Give the demo's password to everybody in it who has none yet."""
    names = [person.username for person in people()]
    has_none = Q(password__startswith="!") | Q(password="")  # noqa: S106 - none is set
    waiting = User.objects.filter(has_none, username__in=names)
    if waiting.exists():
        waiting.update(password=make_password(password(data_dir)))
