"""The demo's sign-in cards: four people to try, one click each.

Only an installation that the `demo` command has made has them, and only at the address
it is made with: as soon as it is given one of its own (SITE_URL), or keeps its cookies
to TLS, the cards are gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billingsite.demo import load


@dataclass(frozen=True, slots=True)
class Card:
    """Somebody to try: who, what, and what there is to see."""

    username: str
    name: str
    role: Promise
    words: Promise
    icon: str


CARDS = (
    Card(
        "giulia.ferri",
        "Giulia Ferri",
        _("Employee"),
        _("Her calls, her budget that is nearly spent, her phone."),
        "user",
    ),
    Card(
        "stefano.ferrara",
        "Stefano Ferrara",
        _("Supervisor"),
        _("His team: who spends what, whose phone is locked."),
        "users-group",
    ),
    Card(
        "ada.rinaldi",
        "Ada Rinaldi",
        _("Administrator"),
        _("Everything: all calls, prices, people and the system itself."),
        "settings",
    ),
    Card(
        "oliver.hughes",
        "Oliver Hughes",
        _("Auditor"),
        _("Sees all, numbers masked, and changes nothing."),
        "eye",
    ),
)


def cards() -> tuple[Card, ...]:
    """The people to try; nobody, anywhere but in a demo."""
    return CARDS if is_demo() else ()


def is_demo() -> bool:
    """Whether this installation is the demo, at the address the demo is made with."""
    if settings.SECURE_COOKIES or not load.password_file(Path(settings.DATA_DIR)).is_file():
        return False
    host = urlsplit(settings.SITE_URL).hostname or ""
    return host == "localhost" or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
