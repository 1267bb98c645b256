"""Answering a switch's question: from bytes to bytes, always a valid protocol answer.

No database, no session, no waiting: the question is parsed within fixed bounds, the
decision comes from the snapshots in memory, and whatever goes wrong is answered by
the failure policy, after an emergency call has been looked for (reliability A1-A4).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from time import perf_counter_ns
from typing import Final
from urllib.parse import parse_qs

from django.conf import settings

from directory.engine.masking import DEFAULT_HIDDEN_DIGITS, mask
from directory.modules import PHONE_LOCK, is_on
from directory.visitors import client_address, networks
from phonelock.curri.spool import FOLDER as SPOOL_FOLDER
from phonelock.curri.spool import DecisionNote, DecisionSpool
from phonelock.curri.store import SnapshotStore
from phonelock.drivers.curri import FOLDER as SNAPSHOT_FOLDER
from phonelock.engine.admission import (
    PERMITTED,
    Decision,
    Reason,
    RoutingRequest,
    SiteSnapshot,
    decide,
    decide_anywhere,
    failure,
    find_door,
    is_emergency_call,
    world_plan,
)
from phonelock.engine.xacml import (
    CONTENT_TYPE,
    Malformed,
    parse_request,
    salvage_called,
    write_answer,
)

logger = logging.getLogger(__name__)

ROOT: Final = "/curri"
DEADLINE_MS: Final = 800
WELCOME: Final = b"Tollgate answers routing requests of external call control here (POST).\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over HTTP, and the note to keep of it, if a decision was made."""

    status: HTTPStatus
    headers: tuple[tuple[str, str], ...]
    body: bytes
    note: DecisionNote | None = None


@dataclass(frozen=True, slots=True)
class _Address:
    """What the path of a question says: a site or none, and perhaps a secret."""

    snapshot: SiteSnapshot | None
    secret: str


class Desk:
    """Answers all questions of this process. `deadline_ms` is the longest that one may take.

    Where the installation does without phone locks (`is_locking` off) every call may go out.
    """

    def __init__(
        self,
        *,
        store: SnapshotStore,
        spool: DecisionSpool,
        trusted_proxies: Sequence[str] = (),
        deadline_ms: int = DEADLINE_MS,
        is_locking: bool = True,
        ticks: Callable[[], int] = perf_counter_ns,
    ) -> None:
        self._store = store
        self._spool = spool
        self._proxies = networks(tuple(trusted_proxies))
        self._deadline_ns = deadline_ms * 1_000_000
        self._ticks = ticks
        self._is_locking = is_locking

    def answer(
        self,
        *,
        method: str,
        path: str,
        at: datetime,
        query: str = "",
        body: bytes = b"",
        remote_addr: str = "",
        forwarded_for: str = "",
    ) -> Answer:
        """Answer one request. `path` is decoded; `at` is when it came, aware. Never raises."""
        if method == "HEAD":
            return _plain(b"")
        if method == "GET":
            return _plain(WELCOME)
        started = self._ticks()
        caller = client_address(remote_addr, forwarded_for=forwarded_for, proxies=self._proxies)
        request = RoutingRequest()
        snapshot = None
        try:
            request = _read(body)
            address = self._address(path, query=query)
            snapshot = address.snapshot
            decision, snapshot = self._decide(request, at=address, caller=caller, started=started)
        except Exception:
            logger.exception("a routing question could not be answered")
            decision = _after_fault(request, snapshot=snapshot)
        reply = write_answer(decision)
        micros = (self._ticks() - started) // 1000
        note = _note(decision, request=request, snapshot=snapshot, at=at, micros=micros)
        return Answer(HTTPStatus.OK, _headers(CONTENT_TYPE, reply), reply, note)

    def keep(self, note: DecisionNote | None) -> None:
        """Note a decision, once its answer is on its way."""
        if note is not None:
            self._spool.append(note)

    def _decide(
        self, request: RoutingRequest, *, at: _Address, caller: str, started: int
    ) -> tuple[Decision, SiteSnapshot | None]:
        snapshot = at.snapshot
        snapshots = [snapshot] if snapshot else self._store.all()
        plans = [each.plan for each in snapshots]
        if is_emergency_call(numbers=request.called_forms(), plans=plans):
            return PERMITTED[Reason.EMERGENCY], snapshot
        if not self._is_locking:
            return PERMITTED[Reason.MODULE_OFF], snapshot
        doors = [door for each in snapshots for door in each.facts.doors]
        door = find_door(snapshot=snapshot, address=caller, secret=at.secret) if snapshot else None
        is_late = self._ticks() - started > self._deadline_ns
        if is_late or isinstance(request, _Unreadable):
            reason = Reason.TOO_LATE if is_late else Reason.MALFORMED
            return failure(reason=reason, doors=doors, door=door), snapshot
        if snapshot is not None:
            return decide(snapshot=snapshot, request=request, door=door), snapshot
        if not snapshots:
            return failure(reason=Reason.UNKNOWN_SITE), None
        return decide_anywhere(
            snapshots=snapshots, request=request, address=caller, secret=at.secret
        )

    def _address(self, path: str, *, query: str) -> _Address:
        """Take the path apart: `/curri/<site>/<secret>`, both optional; a site may hold slashes."""
        keys = parse_qs(query, max_num_fields=20).get("api_key", [])
        parts = [part for part in path.removeprefix(ROOT).split("/") if part]
        for find in (self._store.named, self._store.alike):
            for used in range(len(parts), 0, -1):
                snapshot = find("/".join(parts[:used]))
                if snapshot is not None:
                    return _Address(snapshot, _secret(keys, parts[used:]))
        return _Address(None, _secret(keys, parts))


@dataclass(frozen=True, slots=True)
class _Unreadable(RoutingRequest):
    """A question that could not be parsed, with whatever looks like a called number in it."""

    salvaged: tuple[str, ...] = ()

    def called_forms(self) -> tuple[str, ...]:
        return self.salvaged


def _after_fault(request: RoutingRequest, *, snapshot: SiteSnapshot | None) -> Decision:
    """Our own fault: an emergency anywhere in the world passes, then the failure policy."""
    plans = (world_plan(), snapshot.plan) if snapshot else ()
    try:
        if is_emergency_call(numbers=request.called_forms(), plans=plans):
            return PERMITTED[Reason.EMERGENCY]
    except Exception:
        logger.exception("an emergency number could not be looked for")
        return failure(reason=Reason.ERROR)
    return failure(reason=Reason.ERROR, doors=snapshot.facts.doors if snapshot else ())


def _read(body: bytes) -> RoutingRequest:
    try:
        return parse_request(body)
    except Malformed as flaw:
        logger.info("a routing question could not be read: %s", flaw)
        return _Unreadable(salvaged=salvage_called(body))


def _secret(keys: Sequence[str], parts: Sequence[str]) -> str:
    if keys:
        return keys[0]
    return parts[-1] if parts else ""


def _plain(text: bytes) -> Answer:
    return Answer(HTTPStatus.OK, _headers("text/plain; charset=utf-8", text), text)


def _headers(content_type: str, body: bytes) -> tuple[tuple[str, str], ...]:
    # Keeping the connection open is the web server's part (docs/cisco-call-control.md).
    return (
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    )


def _note(
    decision: Decision,
    *,
    request: RoutingRequest,
    snapshot: SiteSnapshot | None,
    at: datetime,
    micros: int,
) -> DecisionNote:
    hidden = snapshot.facts.mask_digits if snapshot else DEFAULT_HIDDEN_DIGITS
    is_clear = decision.reason in {Reason.EMERGENCY, Reason.INTERNAL, Reason.FEATURE_CODE}
    is_own = snapshot is not None and request.calling in snapshot.lines
    forms = request.called_forms()
    return DecisionNote(
        decided_at=at,
        site=snapshot.facts.site if snapshot else "",
        calling=mask(request.calling, hidden_digits=hidden, is_clear=is_own)[:64],
        called=mask(forms[0] if forms else "", hidden_digits=hidden, is_clear=is_clear)[:64],
        effect=decision.effect.value,
        reason=decision.reason.value,
        flag=decision.flag,
        policy=decision.policy,
        micros=micros,
    )


def present_desk() -> Desk:
    """The desk of this process for the settings in force."""
    return _desk(
        Path(settings.DATA_DIR),
        tuple(settings.TRUSTED_PROXIES),
        settings.ADMISSION_DEADLINE_MS,
        is_locking=is_on(PHONE_LOCK),
    )


@lru_cache(maxsize=4)
def _desk(data_dir: Path, proxies: tuple[str, ...], deadline_ms: int, *, is_locking: bool) -> Desk:
    folder = data_dir / SNAPSHOT_FOLDER
    return Desk(
        store=SnapshotStore(folder),
        spool=DecisionSpool(folder / SPOOL_FOLDER),
        trusted_proxies=proxies,
        deadline_ms=deadline_ms,
        is_locking=is_locking,
    )


def decoded_path(raw: str) -> str:
    """A WSGI path, whose bytes were read as Latin-1, as text."""
    return raw.encode("latin-1", "replace").decode("utf-8", "replace")
