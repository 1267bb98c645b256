"""The phone books of the demo: names for numbers that its people really call."""

from __future__ import annotations

from billingsite.demo.company import person
from billingsite.demo.schedule import favourites
from directory.engine.contact_file import Entry
from directory.models import CompanyContact, User
from directory.operations.contacts import plan_contacts, write_contacts

COMPANY = (
    ("Pilot station", "giulia.ferri"),
    ("Customs desk", "sara.caruso"),
    ("Tug service", "valentina.longo"),
    ("Container depot", "paolo.gentile"),
    ("Ship chandler", "alessia.martinelli"),
    ("Bunker supplier", "simone.vitale"),
    ("Freight agents Marlow & Sons", "stefano.ferrara"),
    ("Insurance broker", "ada.rinaldi"),
    ("Crew agency", "charlotte.ellis"),
    ("Port agent", "marcus.greene"),
    ("Classification society", "naomi.walker"),
    ("Auditors Hale Whitmore", "oliver.hughes"),
)
"""A name, and who calls the number most."""
PERSONAL = {
    "giulia.ferri": ("Dentist", "Marta", "School"),
    "stefano.ferrara": ("Garage", "Home"),
    "ada.rinaldi": ("Nonna", "Tennis club"),
}
"""Whose own book has names for the numbers he calls next often."""


def write_phone_books() -> None:
    """Fill the books that are empty; what somebody has written there stays."""
    if not CompanyContact.objects.exists():
        _write(None, [(name, favourites(person(caller))[0]) for name, caller in COMPANY])
    for user in User.objects.filter(username__in=PERSONAL, contacts__isnull=True):
        numbers = favourites(person(user.username))[1:]
        _write(user.pk, list(zip(PERSONAL[user.username], numbers, strict=False)))


def _write(owner_id: int | None, names: list[tuple[str, str]]) -> None:
    entries = [Entry(line, name, number) for line, (name, number) in enumerate(names, 1)]
    write_contacts(owner_id, plan_contacts(owner_id, entries, understood=str))
