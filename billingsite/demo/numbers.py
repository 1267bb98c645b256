"""Outside numbers of the demo: from ranges kept for drama where a country has one."""

from __future__ import annotations

from random import Random

from billingsite.demo.company import Office

COUNTRY_CODES = {"IT": "39", "GB": "44", "US": "1"}
TEMPLATES = {
    "milan": "+390249990###",
    "rome": "+390655550###",
    "naples": "+390815550###",
    "genoa": "+390105550###",
    "it-mobile": "+39333555####",
    "it-free": "+39800555###",
    "london": "+4420794609##",
    "manchester": "+4416149600##",
    "birmingham": "+4412149600##",
    "liverpool": "+4415149600##",
    "gb-mobile": "+447700900###",
    "gb-free": "+448081570###",
    "newyork": "+121255501##",
    "houston": "+171355501##",
    "losangeles": "+131055501##",
    "miami": "+130555501##",
    "chicago": "+131255501##",
    "us-free": "+180055501##",
    "hamburg": "+494066969###",
    "berlin": "+493023125###",
    "de-mobile": "+4917139200##",
    "paris": "+33199001###",
    "marseille": "+33465711###",
    "fr-mobile": "+33639981###",
    "rotterdam": "+31105550###",
    "antwerp": "+3235550###",
    "piraeus": "+302105550###",
    "barcelona": "+34935550###",
    "zurich": "+41445550###",
    "istanbul": "+902125550###",
    "dubai": "+97145550###",
    "mumbai": "+912255550###",
    "singapore": "+6565550###",
    "shanghai": "+862155550###",
    "panama": "+5075550###",
    "santos": "+551335550###",
    "ship": "+8707765####0",
}
DOMESTIC = {
    "IT": ("milan", "milan", "milan", "rome", "naples", "genoa", "it-mobile", "it-mobile"),
    "GB": ("london", "london", "manchester", "birmingham", "liverpool", "gb-mobile", "gb-mobile"),
    "US": ("newyork", "newyork", "houston", "losangeles", "miami", "chicago"),
}
FREE = {"IT": "it-free", "GB": "gb-free", "US": "us-free"}
ABROAD = {
    "Sales": ("hamburg", "paris", "fr-mobile", "de-mobile", "barcelona", "zurich", "london"),
    "Operations": (
        "rotterdam",
        "antwerp",
        "piraeus",
        "marseille",
        "singapore",
        "dubai",
        "istanbul",
    ),
    "Engineering": ("berlin", "hamburg", "mumbai"),
    "Management": ("zurich", "paris", "newyork", "singapore"),
    "Marketing": ("london", "paris", "milan"),
    "Finance": ("zurich", "london"),
    "Human Resources": ("paris",),
}


def number(rng: Random, template: str) -> str:
    """A number of `TEMPLATES`, E.164 with plus, its # drawn by `rng`."""
    return "".join(str(rng.randrange(10)) if c == "#" else c for c in TEMPLATES[template])


def contacts(rng: Random, *, office: Office, department: str) -> tuple[str, ...]:
    """The dozen numbers a person of `department` keeps calling, the most called first."""
    abroad = ABROAD.get(department.partition("/")[0], ("paris",))
    names = [rng.choice(DOMESTIC[office.country]) for _ in range(8)]
    names += [rng.choice(abroad) for _ in range(3)]
    rng.shuffle(names)
    return (*(number(rng, name) for name in names), number(rng, FREE[office.country]))


def dialled(office: Office, e164: str) -> str:
    """The digits somebody in `office` presses to reach `e164`, exit code included.

    A short number without plus, as of an emergency service, is dialled as it stands.
    """
    if not e164.startswith("+"):
        return office.exit_code + e164
    country_code = f"+{COUNTRY_CODES[office.country]}"
    if e164.startswith(country_code):
        return office.exit_code + office.national_prefix + e164[len(country_code) :]
    return office.exit_code + office.international_prefix + e164[1:]


def presented(office: Office, e164: str) -> str:
    """The number of an outside caller as the gateway of `office` hands it in."""
    country_code = f"+{COUNTRY_CODES[office.country]}"
    if e164.startswith(country_code):
        prefix = "" if office.country == "US" else office.national_prefix
        return prefix + e164[len(country_code) :]
    return office.international_prefix + e164[1:]
