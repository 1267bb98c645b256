"""Whether a call may go out, decided from a snapshot in memory alone.

The order of the rules is the safety of the product: an emergency call is let
through before anybody asks who is calling, whether the line is locked or whether
we are well. Then what stays open to a locked phone (domain 9.2), then the lock.
Whoever cannot be told apart is never refused; what cannot be decided follows the
source's failure policy (reliability A2, A4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from cdr.engine import emergency, numbering
from cdr.engine.extensions import BadPattern, check_pattern, is_extension
from cdr.engine.numbers import DialPlan, clean, is_emergency
from phonelock.engine.flags import LineState

FEATURE_CODE_DIGITS: Final = 5
SHORTEST_SUFFIX: Final = 2


class Effect(StrEnum):
    """What the switch is told. INDETERMINATE: do as you are set up for a server's failure."""

    PERMIT = "PERMIT"
    DIVERT = "DIVERT"
    DENY = "DENY"
    INDETERMINATE = "INDETERMINATE"


class Policy(StrEnum):
    """What to tell a switch when we cannot decide."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    PBX = "PBX"


class Reason(StrEnum):
    """Why a call was let through or not; stored with the decision."""

    EMERGENCY = "emergency"
    INTERNAL = "internal"
    FEATURE_CODE = "feature_code"
    ALLOWED = "allowed"
    UNLOCKED = "unlocked"
    MODULE_OFF = "module_off"
    LOCKED = "locked"
    AMBIGUOUS_LINE = "ambiguous_line"
    UNKNOWN_LINE = "unknown_line"
    UNKNOWN_SITE = "unknown_site"
    CALLER_REFUSED = "caller_refused"
    MALFORMED = "malformed"
    TOO_LATE = "too_late"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Door:
    """One source's rules for whoever asks. No `callers` means loopback alone.

    `announcements` name a recording of the switch by lock flag; the key "" is for all.
    `secret_digest` is the SHA-256 of the secret, hexadecimal; empty: none is asked for.
    """

    source: str
    callers: tuple[str, ...] = ()
    secret_digest: str = ""
    policy: Policy = Policy.OPEN
    divert_to: str = ""
    announcements: tuple[tuple[str, str], ...] = ()
    locks_internal: bool = False


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What must be known of a site to answer its switch, as plain values to be written down.

    `lines` are (extension, partitions) pairs: more than one partition, and the number
    cannot be told apart by this interface.
    """

    site: str
    country: str
    exit_code: str = ""
    international_prefix: str = "00"
    national_prefix: str = ""
    area_code: str = ""
    extension_patterns: tuple[str, ...] = ()
    local_lengths: tuple[int, ...] = ()
    emergency_numbers: tuple[str, ...] = ()
    allowed_while_locked: tuple[str, ...] = ()
    mask_digits: int = 4
    doors: tuple[Door, ...] = ()
    lines: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class SiteSnapshot:
    """A site's facts made ready for answering, with the lines locked now and why.

    `locked` maps (partition, extension) to the strongest flag; `lines` maps a number
    as the switch writes it to the lines that bear it.
    """

    facts: SiteFacts
    plan: DialPlan
    lines: Mapping[str, tuple[tuple[str, str], ...]]
    locked: Mapping[tuple[str, str], str]
    networks: tuple[tuple[IPv4Network | IPv6Network, ...], ...]
    home_prefix: str
    exact_allowed: frozenset[str] = frozenset()
    allowed_prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutingRequest:
    """A switch's question, with the numbers as it wrote them; empty where it wrote none."""

    calling: str = ""
    called: str = ""
    transformed_calling: str = ""
    transformed_called: str = ""
    device: str = ""
    trigger: str = ""

    def called_forms(self) -> tuple[str, ...]:
        """The called number before and after the switch's own transformation, if given."""
        return tuple(form for form in (self.called, self.transformed_called) if form.strip())


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer with its reason; `policy` is set when a failure policy gave it."""

    effect: Effect
    reason: Reason
    flag: str = ""
    policy: str = ""
    divert_to: str = ""
    announcement: str = ""


PERMITTED: Final = {reason: Decision(Effect.PERMIT, reason) for reason in Reason}


def compile_snapshot(*, facts: SiteFacts, locked: Mapping[tuple[str, str], str]) -> SiteSnapshot:
    """Prepare `facts` for quick answers. Patterns and addresses nobody can read are left out."""
    lines: dict[str, tuple[tuple[str, str], ...]] = {}
    known = {(partition, extension) for extension, rest in facts.lines for partition in rest}
    for partition, extension in sorted(known | set(locked)):
        number = clean(extension)
        lines[number] = (*lines.get(number, ()), (partition, extension))
    plan = plan_of(facts)
    exact, prefixes = _allow_list(facts.allowed_while_locked)
    return SiteSnapshot(
        facts=facts,
        plan=plan,
        lines=lines,
        locked=dict(locked),
        networks=tuple(_networks(door.callers) for door in facts.doors),
        home_prefix=_home_prefix(plan),
        exact_allowed=exact,
        allowed_prefixes=prefixes,
    )


def plan_of(facts: SiteFacts) -> DialPlan:
    """The site's dial plan; an extension pattern that cannot be read is left out."""
    return DialPlan(
        country=facts.country,
        exit_code=facts.exit_code,
        international_prefix=facts.international_prefix,
        national_prefix=facts.national_prefix,
        area_code=facts.area_code,
        extension_patterns=tuple(p for p in facts.extension_patterns if _is_readable(p)),
        local_lengths=facts.local_lengths,
        emergency_numbers=facts.emergency_numbers,
    )


def _is_readable(pattern: str) -> bool:
    try:
        check_pattern(pattern)
    except BadPattern:
        return False
    return True


def _networks(callers: Iterable[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    found = []
    for caller in callers:
        try:
            found.append(ip_network(caller.strip(), strict=False))
        except ValueError:
            continue
    return tuple(found)


def _home_prefix(plan: DialPlan) -> str:
    """Country and area code, as the full numbers of the site's own lines begin."""
    code = numbering.country_code(plan.country)
    return code + plan.area_code if code else ""


def _allow_list(entries: Iterable[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    exact: set[str] = set()
    prefixes: set[str] = set()
    for entry in entries:
        text = entry.strip()
        number = clean(text.removesuffix("*"))
        if not any(sign.isdecimal() for sign in number):
            continue
        if text.endswith("*"):
            prefixes.add(number)
        else:
            exact.add(number)
    return frozenset(exact), tuple(sorted(prefixes))


def find_door(*, snapshot: SiteSnapshot, address: str, secret: str) -> Door | None:
    """The source that may ask from `address` with `secret`; None if there is none."""
    for door, networks in zip(snapshot.facts.doors, snapshot.networks, strict=True):
        if not _comes_from(address, networks=networks, loopback_only=not door.callers):
            continue
        if not door.secret_digest or compare_digest(digest_of(secret), door.secret_digest):
            return door
    return None


def digest_of(secret: str) -> str:
    """What is written down of a caller's secret."""
    return sha256(secret.encode()).hexdigest()


def _comes_from(
    address: str, *, networks: Sequence[IPv4Network | IPv6Network], loopback_only: bool
) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    ip = mapped or ip
    if loopback_only:
        return ip.is_loopback
    return any(ip in network for network in networks)


def failure(*, reason: Reason, doors: Sequence[Door] = (), door: Door | None = None) -> Decision:
    """What the failure policy says: the source's own, else the one all sources share, else open."""
    policies = {door.policy} if door else {each.policy for each in doors}
    policy = policies.pop() if len(policies) == 1 else Policy.OPEN
    effect = {
        Policy.OPEN: Effect.PERMIT,
        Policy.CLOSED: Effect.DENY,
        Policy.PBX: Effect.INDETERMINATE,
    }[policy]
    return Decision(effect, reason, policy=policy.value)


@lru_cache(maxsize=1)
def world_plan() -> DialPlan:
    """For when no site is known: every number that is an emergency number anywhere."""
    everywhere = set[str]()
    for country in emergency.BY_COUNTRY:
        everywhere |= emergency.country_list(country)
    return DialPlan(emergency_numbers=tuple(sorted(everywhere)))


def is_emergency_call(*, numbers: Iterable[str], plans: Sequence[DialPlan]) -> bool:
    """Say whether any of `numbers` is an emergency number in any of `plans`, or, where no
    plan is known, anywhere in the world.
    """
    known = plans or (world_plan(),)
    return any(is_emergency(number, plan=plan) for number in numbers for plan in known)


def decide(*, snapshot: SiteSnapshot, request: RoutingRequest, door: Door | None) -> Decision:
    """Decide one call at a known site. `door` is None when the caller may not ask."""
    if is_emergency_call(numbers=request.called_forms(), plans=(snapshot.plan,)):
        return PERMITTED[Reason.EMERGENCY]
    doors = snapshot.facts.doors
    if door is None:
        return failure(reason=Reason.CALLER_REFUSED, doors=doors)
    if not request.called_forms():
        return failure(reason=Reason.MALFORMED, door=door)
    open_reason = _open_to_locked_phones(request, snapshot=snapshot)
    if open_reason is Reason.INTERNAL and door.locks_internal:
        decision = _by_line(snapshot=snapshot, request=request, door=door)
        return decision if decision.reason is Reason.LOCKED else PERMITTED[Reason.INTERNAL]
    if open_reason is not None:
        return PERMITTED[open_reason]
    return _by_line(snapshot=snapshot, request=request, door=door)


def _open_to_locked_phones(request: RoutingRequest, *, snapshot: SiteSnapshot) -> Reason | None:
    """Why this number may be called from a locked phone; None if it may not (domain 9.2)."""
    called = clean(request.called) or clean(request.transformed_called)
    if called in snapshot.lines or is_extension(called, patterns=snapshot.plan.extension_patterns):
        return Reason.INTERNAL
    if _is_feature_code(called):
        return Reason.FEATURE_CODE
    return Reason.ALLOWED if _is_allowed(request, snapshot=snapshot) else None


def _by_line(*, snapshot: SiteSnapshot, request: RoutingRequest, door: Door) -> Decision:
    number = line_number(snapshot=snapshot, request=request)
    if not number:
        return failure(reason=Reason.UNKNOWN_LINE, door=door)
    lines = snapshot.lines[number]
    if len(lines) > 1:
        return PERMITTED[Reason.AMBIGUOUS_LINE]
    flag = snapshot.locked.get(lines[0])
    if flag is None:
        return PERMITTED[Reason.UNLOCKED]
    if door.divert_to:
        return Decision(Effect.DIVERT, Reason.LOCKED, flag=flag, divert_to=door.divert_to)
    recordings = dict(door.announcements)
    recording = recordings.get(flag) or recordings.get("", "")
    return Decision(Effect.DENY, Reason.LOCKED, flag=flag, announcement=recording)


def decide_anywhere(
    *, snapshots: Sequence[SiteSnapshot], request: RoutingRequest, address: str, secret: str
) -> tuple[Decision, SiteSnapshot | None]:
    """Decide where the address names no site: by the one site that has the calling number."""
    if is_emergency_call(
        numbers=request.called_forms(), plans=[snapshot.plan for snapshot in snapshots]
    ):
        return PERMITTED[Reason.EMERGENCY], None
    homes = _homes(snapshots, request=request)
    if len(homes) == 1:
        door = find_door(snapshot=homes[0], address=address, secret=secret)
        return decide(snapshot=homes[0], request=request, door=door), homes[0]
    if homes:
        return PERMITTED[Reason.AMBIGUOUS_LINE], None
    every_door = [door for snapshot in snapshots for door in snapshot.facts.doors]
    return failure(reason=Reason.UNKNOWN_LINE, doors=every_door), None


def _homes(snapshots: Sequence[SiteSnapshot], *, request: RoutingRequest) -> list[SiteSnapshot]:
    exact = clean(request.calling) or clean(request.transformed_calling)
    homes = [snapshot for snapshot in snapshots if exact in snapshot.lines]
    return homes or [s for s in snapshots if line_number(snapshot=s, request=request)]


def line_number(*, snapshot: SiteSnapshot, request: RoutingRequest) -> str:
    """Which of the site's numbers is calling; empty if none, or if it cannot be told.

    The number as it arrived counts; the transformed one only where there is no other,
    since many lines may go out under one number. A full number stands for the one
    extension that it ends in, if it is a number of the site's country and area.
    """
    number = clean(request.calling) or clean(request.transformed_calling)
    if number in snapshot.lines:
        return number
    digits = _full_digits(number, plan=snapshot.plan)
    home = snapshot.home_prefix
    if not digits or not home or not digits.startswith(home):
        return ""
    rest = digits[len(home) :]
    endings = (rest[start:] for start in range(len(rest) - SHORTEST_SUFFIX + 1))
    found = [ending for ending in endings if ending in snapshot.lines]
    return found[0] if len(found) == 1 else ""


def _full_digits(number: str, *, plan: DialPlan) -> str:
    """The E.164 digits of a number written in full, else an empty string."""
    if number.startswith("+"):
        return number[1:]
    if plan.international_prefix and number.startswith(plan.international_prefix):
        return number[len(plan.international_prefix) :]
    return ""


def state_in_force(*, snapshot: SiteSnapshot, partition: str, extension: str) -> LineState:
    """What a call of this line meets: a number that cannot be told apart is never refused."""
    bearers = snapshot.lines.get(clean(extension), ())
    is_locked = (partition, extension) in snapshot.locked and len(bearers) == 1
    return LineState.LOCKED if is_locked else LineState.UNLOCKED


def is_ambiguous(*, snapshot: SiteSnapshot, extension: str) -> bool:
    """Say whether several lines of the site bear this number."""
    return len(snapshot.lines.get(clean(extension), ())) > 1


def _is_feature_code(called: str) -> bool:
    if not called or called[0] not in "*#":
        return False
    body = called.replace("*", "").replace("#", "")
    return len(body) <= FEATURE_CODE_DIGITS and (not body or body.isdecimal())


def _is_allowed(request: RoutingRequest, *, snapshot: SiteSnapshot) -> bool:
    if not snapshot.exact_allowed and not snapshot.allowed_prefixes:
        return False
    forms = outside_forms(request, plan=snapshot.plan)
    return any(
        form in snapshot.exact_allowed or form.startswith(snapshot.allowed_prefixes)
        for form in forms
    )


def outside_forms(request: RoutingRequest, *, plan: DialPlan) -> frozenset[str]:
    """The ways in which somebody may have written the called number in an allow list.

    As dialled without the exit code, nationally, with the country code and with plus.
    """
    forms: set[str] = set()
    for raw in request.called_forms():
        number = clean(raw)
        if plan.exit_code and number.startswith(plan.exit_code) and number != plan.exit_code:
            number = number[len(plan.exit_code) :]
        forms |= _written_ways(number, plan=plan)
    return frozenset(form for form in forms if form)


def _written_ways(number: str, *, plan: DialPlan) -> set[str]:
    code = numbering.country_code(plan.country)
    full = _full_digits(number, plan=plan)
    if not full and code and number.isdecimal():
        if plan.area_code and len(number) in plan.local_lengths:
            full = code + plan.area_code + number
        elif plan.national_prefix and number.startswith(plan.national_prefix):
            full = code + number[len(plan.national_prefix) :]
        else:
            full = code + number
    ways = {number}
    if full:
        ways |= {full, "+" + full}
        if code and full.startswith(code):
            ways |= {full[len(code) :], plan.national_prefix + full[len(code) :]}
    return ways
