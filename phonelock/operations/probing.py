"""Asking every switch for a sign of life, for a person who waits for the answer."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from phonelock.queries.switches import Switch, driver_for, switches


@dataclass(frozen=True, slots=True)
class Answer:
    """What a switch said: nothing wrong, or the problem; and how long it took."""

    site: str
    driver: str
    problem: str = ""
    milliseconds: int = 0


def known_switches() -> list[Answer]:
    """The switches that can lock phones, by site, not asked."""
    return [Answer(switch.site, switch.driver) for switch in _by_site()]


def ask_switches() -> list[Answer]:
    """Ask each of them; no lock is changed and no circuit is opened or closed."""
    return [_ask(switch) for switch in _by_site()]


def _by_site() -> list[Switch]:
    return sorted(switches().values(), key=lambda switch: switch.site)


def _ask(switch: Switch) -> Answer:
    began = perf_counter()
    try:
        driver_for(switch).probe()
    except Exception as failure:  # noqa: BLE001 - a driver may raise anything; all mean no answer
        problem = str(failure) or type(failure).__name__
        return Answer(switch.site, switch.driver, problem=" ".join(problem.split())[:255])
    return Answer(switch.site, switch.driver, milliseconds=round((perf_counter() - began) * 1000))
