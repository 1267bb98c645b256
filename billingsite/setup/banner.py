"""The reminder on an administrator's pages of what is still open in the set-up."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from billingsite.setup.steps import STEPS, open_steps
from directory.models import User
from directory.roles import is_administrator


def open_points(request: HttpRequest) -> dict[str, Any]:
    """`open_points` for the frame: asked of the database only where it is looked at."""

    def points() -> dict[str, Any]:
        reader = getattr(request, "user", None)
        is_in_setup = request.path.startswith("/setup/")
        if is_in_setup or not isinstance(reader, User) or not is_administrator(reader):
            return {}
        steps, done = open_steps(reader)
        if not steps:
            return {}
        return {"steps": steps, "done": done, "of": len(STEPS)}

    return {"open_points": SimpleLazyObject(points)}
