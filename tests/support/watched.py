"""The product with an ear in every page: what its scripts and its policy complain of is kept.

The ear is the first script of each page, so that nothing happens before it listens, and
needs nothing of the browser: it serves where a driver does not tell of errors itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from billingsite.wsgi import application as product

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

EAR_PATH = "/ear.js"
EAR = """(() => {
  let leaves = false; // a request that is cut off because its page is left is no fault
  addEventListener("beforeunload", () => { leaves = true; });
  const keep = (words) => {
    if (leaves) return;
    const kept = JSON.parse(sessionStorage.getItem("complaints") || "[]");
    kept.push(`${location.pathname}: ${words}`);
    sessionStorage.setItem("complaints", JSON.stringify(kept));
  };
  addEventListener("error", (event) => {
    keep(event.message || `not loaded: ${event.target.src || event.target.href}`);
  }, true);
  addEventListener("unhandledrejection", (event) => keep(`not handled: ${event.reason}`));
  addEventListener("securitypolicyviolation", (event) => {
    keep(`forbidden: ${event.effectiveDirective} ${event.blockedURI}`);
  }, true);
  const aloud = console.error.bind(console);
  console.error = (...words) => { keep(words.join(" ")); aloud(...words); };
})();
"""
HEAD = b"<head>"
TAG = f'<script src="{EAR_PATH}"></script>'.encode()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer as the product does, with the ear at the head of each page."""
    if environ["PATH_INFO"] == EAR_PATH:
        start_response("200 OK", [("Content-Type", "text/javascript; charset=utf-8")])
        return [EAR.encode()]
    environ.pop("HTTP_ACCEPT_ENCODING", None)  # a page that can be read
    said: list[tuple[str, list[tuple[str, str]]]] = []

    def hear(
        status: str, headers: list[tuple[str, str]], exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        said.append((status, headers))
        return lambda _: None

    body = product(environ, hear)
    status, headers = said[0]
    is_page = any(
        name.lower() == "content-type" and value.startswith("text/html") for name, value in headers
    )
    if not is_page:
        start_response(status, headers)
        return body
    page = b"".join(_closing(body)).replace(HEAD, HEAD + TAG, 1)
    kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
    start_response(status, [*kept, ("Content-Length", str(len(page)))])
    return [page]


def _closing(body: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from body
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()
