"""The demo's people on the sign-in page."""

from __future__ import annotations

from django import template

from billingsite.demo.doors import Card, cards

register = template.Library()


@register.simple_tag
def demo_cards() -> tuple[Card, ...]:
    """The people to try; none anywhere but in a demo."""
    return cards()
