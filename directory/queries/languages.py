"""Which language somebody is spoken to in: one rule for pages, mails and files."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from directory.models import User
from directory.queries.homes import installation_language, user_homes


def language_of(person: User | None, *, browser: str = "", site: str | None = None) -> str:
    """What `person` chose, else what his browser says, else his site's, else the installation's.

    Only a page has a `browser`; mails and files are made without one. `site` is for callers
    who know the language of his site (empty: it has none); otherwise it is looked up, only
    where it is needed. Nobody in particular is spoken to in the installation's language.
    """
    if person is not None and person.language in dict(settings.LANGUAGES):
        return person.language
    if browser:
        return browser
    if site is None:
        home = user_homes([person.pk]).get(person.pk) if person is not None else None
        site = home.language if home is not None else ""
    return site or installation_language()


def languages_of(people: Iterable[User]) -> dict[int | None, str]:
    """What each of many people is written to in, by primary key, in a few questions."""
    known = {person.pk: person for person in people}
    undecided = [pk for pk, person in known.items() if not person.language]
    if not undecided:
        return {pk: language_of(person, site="") for pk, person in known.items()}
    homes, elsewhere = user_homes(undecided), installation_language()
    sites = {pk: home.language for pk, home in homes.items()}
    return {
        pk: language_of(person, site=sites.get(pk) or elsewhere) for pk, person in known.items()
    }
