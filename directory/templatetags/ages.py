"""Spans of time as people say them: "12 seconds", "3 hours", "5 days"."""

from __future__ import annotations

from datetime import timedelta

from babel.dates import format_timedelta
from django import template
from django.utils.translation import gettext

from directory.templatetags.figures import NOTHING, active_locale

register = template.Library()


@register.filter
def age(span: timedelta | None) -> str:
    """How long, in the one unit that fits: `3 hours`."""
    if span is None:
        return NOTHING
    return format_timedelta(span, granularity="second", threshold=1.5, locale=active_locale())


@register.filter
def ago(span: timedelta | None) -> str:
    """How long since: `3 hours ago`."""
    if span is None:
        return gettext("never")
    if span < timedelta(seconds=1):
        return gettext("just now")
    return format_timedelta(
        -span, granularity="second", threshold=1.5, add_direction=True, locale=active_locale()
    )
