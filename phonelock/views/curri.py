"""`/curri/` as an ordinary Django view, for where no front stands before the application."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from kernel import clock
from phonelock.curri.desk import present_desk
from phonelock.engine.xacml import MAX_BODY_BYTES


@csrf_exempt
def curri(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer a switch's question. Machines only: no session, no cookie, no database."""
    desk = present_desk()
    answer = desk.answer(
        method=request.method or "",
        path=f"/curri/{rest}",
        query=request.META.get("QUERY_STRING", ""),
        body=request.read(MAX_BODY_BYTES + 1) if request.method not in {"HEAD", "GET"} else b"",
        remote_addr=request.META.get("REMOTE_ADDR", ""),
        forwarded_for=request.META.get("HTTP_X_FORWARDED_FOR", ""),
        at=clock.now(),
    )
    desk.keep(answer.note)
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
