"""What a mail server's answer means for the mail, the address and the server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

_ABOUT_THE_MAILBOX = frozenset({550, 551, 553})
_ENHANCED = re.compile(r"^([245])\.(\d{1,3})\.\d{1,3}\b")
_LONGEST_REASON = 480


class Stage(Enum):
    """Where in the dialogue an answer came (RFC 5321 3.3)."""

    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"


class Verdict(Enum):
    """What becomes of a mail after one attempt."""

    ACCEPTED = "accepted"
    LATER = "later"
    REFUSED = "refused"
    SERVER_AWAY = "server_away"


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer: the three-digit code (RFC 5321 4.2) and its text."""

    stage: Stage
    code: int
    text: str = ""

    @property
    def reason(self) -> str:
        """The answer as one line for people, cut to size."""
        return " ".join(f"{self.code} {self.text}".split())[:_LONGEST_REASON]


@dataclass(frozen=True, slots=True)
class Judgement:
    """`is_hard_bounce` says that the address itself is refused for good."""

    verdict: Verdict
    is_hard_bounce: bool = False


def judge(reply: Reply) -> Judgement:
    """Say what `reply` means.

    421 is the server going away (RFC 5321 3.8), and so is any refusal of our own
    sender address: it would meet every mail alike. A refused recipient is a hard
    bounce; refused content is not, unless the answer speaks of the mailbox
    (RFC 3463 3.2, class x.1; 550, 551 and 553 without an enhanced code).
    """
    if 200 <= reply.code < 300:
        return Judgement(verdict=Verdict.ACCEPTED)
    if reply.code == 421 or reply.stage is Stage.SENDER:
        return Judgement(verdict=Verdict.SERVER_AWAY)
    if 500 <= reply.code < 600:
        return Judgement(verdict=Verdict.REFUSED, is_hard_bounce=_is_about_the_address(reply))
    return Judgement(verdict=Verdict.LATER)


def _is_about_the_address(reply: Reply) -> bool:
    enhanced = _ENHANCED.match(reply.text)
    if enhanced is not None:
        return enhanced[2] == "1" or (reply.stage is Stage.RECIPIENT and enhanced[2] != "7")
    return reply.stage is Stage.RECIPIENT or reply.code in _ABOUT_THE_MAILBOX
