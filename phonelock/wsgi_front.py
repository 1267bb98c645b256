"""A small WSGI application before the large one: `/curri/` is answered here.

No middleware, no session, no host check, no database stand between a switch and its
answer; everything else goes on to the application behind.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from kernel import clock
from phonelock.curri.desk import ROOT, Answer, Desk, decoded_path, present_desk
from phonelock.engine.xacml import MAX_BODY_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_PASSED_OVER: Final = 1024 * 1024


class AdmissionFront:
    """Answers `/curri/…` itself and hands over the rest.

    In billingsite/wsgi.py: ``application = AdmissionFront(get_wsgi_application())``.
    """

    def __init__(
        self, application: WSGIApplication, *, desk: Callable[[], Desk] = present_desk
    ) -> None:
        self._application = application
        self._desk = desk
        # What is loaded by now stays for ever; going through all of it again and again
        # held every thread up for a tenth of a second.
        gc.freeze()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path != ROOT and not path.startswith(ROOT + "/"):
            return self._application(environ, start_response)
        desk = self._desk()
        answer = desk.answer(
            method=environ["REQUEST_METHOD"],
            path=decoded_path(path),
            query=environ.get("QUERY_STRING", ""),
            body=read_body(environ),
            remote_addr=environ.get("REMOTE_ADDR", ""),
            forwarded_for=environ.get("HTTP_X_FORWARDED_FOR", ""),
            at=clock.now(),
        )
        start_response(f"{answer.status.value} {answer.status.phrase}", list(answer.headers))
        return _Reply(answer, desk=desk)


class _Reply:
    """The body of an answer; the decision is noted when the server has sent it."""

    def __init__(self, answer: Answer, *, desk: Desk) -> None:
        self._answer = answer
        self._desk = desk

    def __iter__(self) -> Iterator[bytes]:
        yield self._answer.body

    def close(self) -> None:
        self._desk.keep(self._answer.note)


def read_body(environ: dict[str, Any]) -> bytes:
    """The request's body, or as much of it as shows that it is too long.

    The rest of a long one is passed over, within bounds, so that the connection stays
    usable: servers close it when a body was left unread.
    """
    left = MAX_PASSED_OVER
    if not environ.get("wsgi.input_terminated"):
        try:
            left = min(left, max(0, int(environ.get("CONTENT_LENGTH") or 0)))
        except ValueError:
            left = 0
    try:
        body: bytes = environ["wsgi.input"].read(min(left, MAX_BODY_BYTES + 1))
        left -= len(body)
        while len(body) > MAX_BODY_BYTES and left > 0:
            passed_over = environ["wsgi.input"].read(min(left, MAX_BODY_BYTES))
            if not passed_over:
                break
            left -= len(passed_over)
    except OSError:
        return b""
    return body


def nothing_behind(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """For a pool of processes that answers switches and nothing else."""
    start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
    return []
