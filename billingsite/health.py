"""Is the product at work? Answered from rows that its parts write, without Celery.

`/health/live/` says that this web process answers; `/health/` and the command
`health` go red when a part has given no sign of life for a minute, or failed.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cdr.models import Heartbeat
from kernel import clock

RED_AFTER = timedelta(seconds=60)
FAILED = "failed"
NEEDED = ("tick",)
LEAST_FREE_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the product: how long ago it was heard of, and whether that is well."""

    name: str
    is_ok: bool
    detail: str

    def as_json(self) -> dict[str, object]:
        return {"name": self.name, "ok": self.is_ok, "detail": self.detail}


def findings(*, now: datetime) -> list[Finding]:
    """Database, disk and every part that has ever written a sign of life."""
    found = [_disk()]
    try:
        beats = {beat.name: beat for beat in Heartbeat.objects.order_by("name")}
    except DatabaseError as error:
        return [
            Finding("database", is_ok=False, detail=f"does not answer: {type(error).__name__}"),
            *found,
        ]
    found.insert(0, Finding("database", is_ok=True, detail=connection.vendor))
    found.extend(
        Finding(name, is_ok=False, detail="has never run") for name in NEEDED if name not in beats
    )
    found.extend(_of_beat(beat, now=now) for beat in beats.values())
    return found


def _of_beat(beat: Heartbeat, *, now: datetime) -> Finding:
    age = max(timedelta(0), now - beat.beaten_at)
    if age > RED_AFTER:
        return Finding(beat.name, is_ok=False, detail=f"silent for {int(age.total_seconds())} s")
    if beat.note.startswith(FAILED):
        return Finding(beat.name, is_ok=False, detail=beat.note)
    return Finding(beat.name, is_ok=True, detail=f"{int(age.total_seconds())} s ago")


def _disk() -> Finding:
    free = shutil.disk_usage(settings.DATA_DIR).free
    return Finding(
        "disk", is_ok=free >= LEAST_FREE_BYTES, detail=f"{free // (1024 * 1024):,} MiB free"
    )


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 if every part is well, 503 if one is not. Details only for this machine and staff."""
    found = findings(now=clock.now())
    is_ok = all(finding.is_ok for finding in found)
    answer: dict[str, object] = {"ok": is_ok}
    if _may_see_parts(request):
        answer["parts"] = [finding.as_json() for finding in found]
    return JsonResponse(answer, status=200 if is_ok else 503)


def _may_see_parts(request: HttpRequest) -> bool:
    """Staff, and whoever asks on this very machine; behind a proxy everybody seems to."""
    is_here = request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1")
    if is_here and "HTTP_X_FORWARDED_FOR" not in request.META:
        return True
    return request.user.is_authenticated and request.user.is_staff
