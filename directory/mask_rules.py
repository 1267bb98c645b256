"""Why a reader sees numbers as he does: the rules that hide digits, and the one in force."""

from __future__ import annotations

from dataclasses import dataclass

from directory.models import Site, User
from directory.scoping import Scope

SAMPLE = "+390266771234"
SAMPLE_INTERNAL = "201"


@dataclass(frozen=True, slots=True)
class MaskRules:
    """The digits that each rule hides; the strictest is in force.

    `site` is the name of the strictest site; empty where there is none yet.
    """

    site: str
    site_digits: int | None
    own_digits: int | None
    digits: int
    may_reveal: bool
    sample: str
    internal_sample: str

    @property
    def is_own_rule(self) -> bool:
        """Whether it is the rule for this person that counts."""
        return self.own_digits is not None and self.own_digits > (self.site_digits or 0)


def mask_rules(user: User, scope: Scope) -> MaskRules:
    """The rules behind `scope.mask_digits`, shown on a number that is nobody's."""
    strictest = Site.objects.order_by("-mask_digits", "name").first()
    return MaskRules(
        site=strictest.name if strictest else "",
        site_digits=strictest.mask_digits if strictest else None,
        own_digits=user.mask_digits,
        digits=scope.mask_digits,
        may_reveal=scope.may_reveal,
        sample=scope.masked(SAMPLE),
        internal_sample=scope.masked(SAMPLE_INTERNAL, is_internal=True),
    )
