"""How figures are written on pages: money, durations, numbers."""

from __future__ import annotations

from django import template

register = template.Library()
