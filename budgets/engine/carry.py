"""What is left of a period goes on to the next one, where the budget says so.

Domain reference 8.7: the rest up to a cap, which is the period's own base where
none is set; overspend only with the debt option.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CarryRule:
    """How the rest is handed on. `cap` None = the base amount; `debt` carries overspend."""

    cap: int | None = None
    debt: bool = False


def carried_on(*, base: int, effective: int, spent: int, rule: CarryRule | None) -> int:
    """The amount handed to the next period; negative only for debt. No rule, no carry.

    Amounts are micro-units, or milliseconds of talk.

    >>> carried_on(base=100, effective=100, spent=30, rule=CarryRule())
    70
    """
    if rule is None:
        return 0
    rest = effective - spent
    if rest < 0:
        return rest if rule.debt else 0
    return min(rest, base if rule.cap is None else rule.cap)
