"""Is the product at work? Answered from rows that its parts write, without Celery.

`/health/live` says that this web process answers. `/health/ready` and the command
`health` go red when the database, its changes, the queue, the disk or a part of the
pipeline is not well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from billingsite.probes import is_trusted
from kernel import clock
from reports.queries import machine
from reports.queries.works import Part, PartState, parts

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the product, whether it is well, and what is known about it."""

    name: str
    is_ok: bool
    detail: str

    def as_json(self) -> dict[str, object]:
        return {"name": self.name, "ok": self.is_ok, "detail": self.detail}


def findings(*, now: datetime) -> list[Finding]:
    """Database, its changes, disk, queue and every part that ever gave a sign of life."""
    standing = [_disk(), _broker()]
    try:
        return [
            Finding("database", is_ok=True, detail=connection.vendor),
            _migrations(),
            *standing,
            *(_of_part(part) for part in parts(now=now)),
        ]
    except Error as error:
        detail = f"does not answer: {type(error).__name__}"
        return [Finding("database", is_ok=False, detail=detail), *standing]


def _of_part(part: Part) -> Finding:
    if part.age is None:
        return Finding(part.name, is_ok=False, detail="has never run")
    seconds = int(part.age.total_seconds())
    if part.state is PartState.STOPPED:
        return Finding(part.name, is_ok=False, detail=f"silent for {seconds} s")
    if part.state is PartState.FAILED:
        return Finding(part.name, is_ok=False, detail=part.note)
    return Finding(part.name, is_ok=True, detail=f"{seconds} s ago")


def _migrations() -> Finding:
    waiting = machine.waiting_migrations()
    detail = f"{waiting} not applied: run setup" if waiting else "applied"
    return Finding("migrations", is_ok=waiting == 0, detail=detail)


def _broker() -> Finding:
    problem = machine.broker_problem()
    return Finding("queue", is_ok=not problem, detail=problem or machine.broker_kind())


def _disk() -> Finding:
    free = machine.free_bytes()
    return Finding(
        "disk",
        is_ok=free >= machine.LEAST_FREE_BYTES,
        detail=f"{free // MEBIBYTE:,} MiB free",
    )


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 if every part is well, 503 if one is not.

    Details for this machine and for whoever knows the token of the metrics.
    """
    found = findings(now=clock.now())
    is_ok = all(finding.is_ok for finding in found)
    answer: dict[str, object] = {"ok": is_ok}
    if is_trusted(request):
        answer["parts"] = [finding.as_json() for finding in found]
    return JsonResponse(answer, status=200 if is_ok else 503)
