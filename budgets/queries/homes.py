"""Zone and currency of many users' budgets at once (design 10)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from directory.models import LineHolding, Membership, Site, valid_at
from directory.queries import Home, installation_home, office_homes


def homes_of(user_ids: Collection[int], *, at: datetime) -> dict[int, Home]:
    """Each user's: of his office, else of his line's site, else the installation's."""
    wanted = set(user_ids)
    elsewhere = installation_home()
    found = dict.fromkeys(wanted, elsewhere)
    sites = {
        pk: Home(zone, currency)
        for pk, zone, currency in Site.objects.values_list("pk", "time_zone", "currency")
    }
    holdings = LineHolding.objects.filter(valid_at(at), user_id__in=wanted).order_by("-pk")
    for user_id, site_id in holdings.values_list("user_id", "line__site_id"):
        found[user_id] = sites[site_id]
    offices = office_homes()
    memberships = Membership.objects.filter(valid_at(at), user_id__in=wanted).order_by("pk")
    for user_id, office_id in memberships.values_list("user_id", "office_id"):
        found[user_id] = offices.get(office_id, found[user_id])
    return found
