"""A switch's question from bytes to bytes, in health and with every fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path

import orjson
import pytest

from cdr.engine import emergency
from directory.visitors import client_address
from phonelock.curri.desk import Desk
from phonelock.curri.store import SnapshotStore
from phonelock.engine.admission import Door, Policy, SiteFacts, SiteSnapshot, digest_of
from tests.support.curri import (
    MILAN,
    NOON,
    ask,
    instruction,
    make_desk,
    publish,
    question,
    verdict,
)

OUTSIDE = question("0335123456")
EFFECTS = {Policy.OPEN: "Permit", Policy.CLOSED: "Deny", Policy.PBX: "Indeterminate"}


def facts_with(policy: Policy, **changes: object) -> SiteFacts:
    return replace(MILAN, doors=(replace(MILAN.doors[0], policy=policy),), **changes)  # type: ignore[arg-type]


class BrokenStore(SnapshotStore):
    """Knows the site and breaks when it is asked for all of them."""

    def named(self, site: str) -> SiteSnapshot | None:
        raise RuntimeError("out of order")


class Late:
    """A clock by which every step takes a second."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        self.ns += 1_000_000_000
        return self.ns


@dataclass(frozen=True)
class Fault:
    """How a question goes wrong, and whether the site's policy is known all the same."""

    make_desk: Callable[[Path, SiteFacts], Desk]
    body: Callable[[str], bytes] = question
    path: str = "/curri/Milan/"
    remote_addr: str = "127.0.0.1"
    knows_policy: bool = True


def _well(data_dir: Path, facts: SiteFacts) -> Desk:
    publish(data_dir, facts)
    return make_desk(data_dir)


def _nothing_published(data_dir: Path, facts: SiteFacts) -> Desk:
    return make_desk(data_dir)


def _late(data_dir: Path, facts: SiteFacts) -> Desk:
    publish(data_dir, facts)
    return make_desk(data_dir, ticks=Late())


def _broken(data_dir: Path, facts: SiteFacts) -> Desk:
    publish(data_dir, facts)
    return make_desk(data_dir, store=BrokenStore(data_dir / "admission"))


def _garbled(data_dir: Path, facts: SiteFacts) -> Desk:
    publish(data_dir, facts).write_bytes(b'{"facts": ')
    return make_desk(data_dir)


def _garbled_later(data_dir: Path, facts: SiteFacts) -> Desk:
    path = publish(data_dir, facts)
    desk = make_desk(data_dir)
    ask(desk, OUTSIDE)
    path.write_bytes(b"\x00" * 100)
    return desk


def _cut(called: str) -> bytes:
    whole = question(called)
    return whole[: whole.index(called.encode()) + len(called)]


def _bombed(called: str) -> bytes:
    return question(called).replace(b"?>", b'?><!DOCTYPE a [<!ENTITY b "c">]>', 1)


def _overlong(called: str) -> bytes:
    return question(called) + b" " * 70_000


FAULTS = {
    "locked": Fault(_well),
    "unknown line": Fault(_well, body=lambda called: question(called, calling="999")),
    "no calling number": Fault(_well, body=lambda called: question(called, calling="")),
    "wrong address": Fault(_well, remote_addr="203.0.113.9"),
    "no site in the address": Fault(_well, path="/curri/"),
    "another site": Fault(_well, path="/curri/Nowhere/x"),
    "cut off": Fault(_well, body=_cut),
    "entities": Fault(_well, body=_bombed),
    "too long": Fault(_well, body=_overlong),
    "too late": Fault(_late),
    "our own bug": Fault(_broken, knows_policy=False),
    "nothing published": Fault(_nothing_published, knows_policy=False),
    "snapshot garbled": Fault(_garbled, knows_policy=False),
    "snapshot garbled later": Fault(_garbled_later),
}
UNDECIDED = set(FAULTS) - {
    "locked",
    "no site in the address",
    "another site",
    "snapshot garbled later",
}


@pytest.mark.feature("F260")
@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("name", sorted(UNDECIDED))
def test_what_cannot_be_decided_follows_the_policy(
    name: str, policy: Policy, data_dir: Path
) -> None:
    fault = FAULTS[name]
    desk = fault.make_desk(data_dir, facts_with(policy))

    answer = ask(desk, fault.body("0335123456"), path=fault.path, remote_addr=fault.remote_addr)

    expected = EFFECTS[policy] if fault.knows_policy else "Permit"
    assert (answer.status, verdict(answer.body)) == (200, expected)
    assert dict(answer.headers)["Content-Length"] == str(len(answer.body))
    assert answer.note is not None
    assert answer.note.policy == (policy.value if fault.knows_policy else "OPEN")


@pytest.mark.feature("F226", "F260")
@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_listed_emergency_number_passes_every_fault(
    name: str, policy: Policy, data_dir: Path
) -> None:
    fault = FAULTS[name]
    for country in ("IT", "DE", "GB", "US", "FR", "AU"):
        folder = data_dir / country
        facts = facts_with(policy, country=country, extension_patterns=("7XXX",))
        desk = fault.make_desk(folder, facts)
        for number in sorted(emergency.country_list(country)):
            for dialled in (number, f"0{number}"):
                answer = ask(
                    desk, fault.body(dialled), path=fault.path, remote_addr=fault.remote_addr
                )
                assert verdict(answer.body) == "Permit", (country, dialled)
                assert answer.note is not None
                assert answer.note.reason == "emergency", (country, dialled)


@pytest.mark.parametrize("country", sorted(emergency.BY_COUNTRY))
def test_every_countrys_numbers_pass_from_a_locked_line(country: str, data_dir: Path) -> None:
    facts = facts_with(Policy.CLOSED, country=country, exit_code="9", emergency_numbers=("4444",))
    publish(data_dir, facts)
    desk = make_desk(data_dir)

    for number in sorted(emergency.country_list(country) | {"4444"}):
        for dialled in (number, f"9{number}", f"+{number}"):
            answer = ask(desk, question(dialled))
            assert answer.note is not None
            assert (verdict(answer.body), answer.note.reason) == ("Permit", "emergency"), dialled


@pytest.mark.feature("F226", "F260")
def test_a_locked_line_is_refused_outside_and_opened_again_by_a_new_snapshot(
    data_dir: Path,
) -> None:
    publish(data_dir)
    desk = make_desk(data_dir)

    refused = ask(desk, OUTSIDE)
    publish(data_dir, locked={})
    permitted = ask(desk, OUTSIDE)

    assert verdict(refused.body) == "Deny"
    assert "<reject>" in instruction(refused.body)
    assert verdict(permitted.body) == "Permit"
    assert "<continue>" in instruction(permitted.body)


@pytest.mark.feature("F230")
def test_a_lock_holds_on_every_device_with_the_line(data_dir: Path) -> None:
    publish(data_dir)
    desk = make_desk(data_dir)

    for device in (b"SEP00AA00000011", b"CSFMARIO", b"TCTMARIO", b""):
        body = OUTSIDE.replace(b"SEP00AA00000011", device)
        assert verdict(ask(desk, body).body) == "Deny"


def test_two_snapshots_within_one_tick_of_the_clock_are_both_seen(data_dir: Path) -> None:
    desk = make_desk(data_dir)

    for turn in range(200):
        publish(data_dir, locked={("PT-Internal", "201"): "USER"} if turn % 2 else {})
        assert verdict(ask(desk, OUTSIDE).body) == ("Deny" if turn % 2 else "Permit")


@pytest.mark.parametrize(
    "path", ["/curri/Milan/", "/curri/milan", "/curri/MILAN/policy", "/curri/"]
)
def test_a_site_is_found_by_its_name_in_any_letters(path: str, data_dir: Path) -> None:
    publish(data_dir)

    assert verdict(ask(make_desk(data_dir), OUTSIDE, path=path).body) == "Deny"


def test_names_with_blanks_slashes_and_accents_are_found(data_dir: Path) -> None:
    names = ("São Paulo / Centro", "北京", "a%2Fb", "..", "x" * 100)
    for name in names:
        publish(data_dir, replace(MILAN, site=name, lines=(("201", ("PT-Internal",)),)))
    desk = make_desk(data_dir)

    answers = {name: ask(desk, OUTSIDE, path=f"/curri/{name}/").note for name in names}

    assert {name: note.site for name, note in answers.items() if note} == {n: n for n in names}


def test_a_secret_may_stand_in_the_path_or_the_query(data_dir: Path) -> None:
    door = Door("milan", secret_digest=digest_of("k3y"), policy=Policy.PBX)
    publish(data_dir, replace(MILAN, doors=(door,)))
    desk = make_desk(data_dir)

    assert verdict(ask(desk, OUTSIDE, path="/curri/Milan/k3y").body) == "Deny"
    assert verdict(ask(desk, OUTSIDE, path="/curri/k3y").body) == "Deny"
    assert verdict(ask(desk, OUTSIDE, query="api_key=k3y").body) == "Deny"
    assert verdict(ask(desk, OUTSIDE, query="api_key=wrong").body) == "Indeterminate"
    assert verdict(ask(desk, OUTSIDE).body) == "Indeterminate"


def test_only_a_trusted_proxy_may_say_who_asks() -> None:
    proxies = [ip_network("10.0.0.0/24")]

    def seen(remote: str, forwarded: str) -> str:
        return client_address(remote, forwarded_for=forwarded, proxies=proxies)

    assert seen("192.0.2.1", "127.0.0.1") == "192.0.2.1"
    assert seen("10.0.0.5", "127.0.0.1, 192.0.2.1") == "192.0.2.1"
    assert seen("10.0.0.5", "192.0.2.1, 10.0.0.6") == "192.0.2.1"
    assert seen("10.0.0.5", "") == "10.0.0.5"


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_sign_of_life_is_answered_without_looking_at_anything(
    method: str, tmp_path: Path
) -> None:
    desk = make_desk(tmp_path, store=BrokenStore(tmp_path))

    answer = desk.answer(method=method, path="/curri/Milan/", at=NOON)

    assert (answer.status, answer.note) == (200, None)
    assert (answer.body == b"") == (method == "HEAD")


def test_decisions_are_noted_with_masked_numbers(data_dir: Path) -> None:
    publish(data_dir)
    desk = make_desk(data_dir)

    for called in ("0335123456", "112", "202"):
        desk.keep(ask(desk, question(called)).note)

    (spooled,) = (data_dir / "admission" / "decisions").glob("*.jsonl")
    notes = [orjson.loads(line) for line in spooled.read_bytes().splitlines()]
    assert [(note["calling"], note["called"], note["reason"]) for note in notes] == [
        ("201", "033512****", "locked"),
        ("201", "112", "emergency"),
        ("201", "202", "internal"),
    ]
    assert all(note["micros"] < 1_000_000 and note["site"] == "Milan" for note in notes)


def test_a_note_that_cannot_be_written_harms_nobody(data_dir: Path) -> None:
    publish(data_dir)
    (data_dir / "admission" / "decisions").write_text("in the way")
    desk = make_desk(data_dir)
    answer = ask(desk, OUTSIDE)

    desk.keep(answer.note)

    assert verdict(answer.body) == "Deny"


def test_the_spool_of_decisions_is_bounded(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonelock.curri.spool.MAX_FILE_BYTES", 1000)
    monkeypatch.setattr("phonelock.curri.spool.MAX_FILES", 5)
    publish(data_dir)
    desk = make_desk(data_dir)

    for _ in range(100):
        desk.keep(ask(desk, OUTSIDE).note)

    files = list((data_dir / "admission" / "decisions").iterdir())
    assert len(files) <= 6
    assert sum(file.stat().st_size for file in files) < 10_000
