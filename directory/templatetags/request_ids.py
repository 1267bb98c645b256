"""The id of the request, for error pages: needs neither the request nor the database."""

from __future__ import annotations

from django import template

from directory.request_ids import present_id

register = template.Library()


@register.simple_tag
def request_id() -> str:
    """The id under which this request stands in the log; empty outside of one."""
    return present_id()
