"""The wire form of external call control: what is read, what is refused, what is written."""

from __future__ import annotations

import tracemalloc
from time import perf_counter
from xml.etree import ElementTree as ET

import pytest

from phonelock.engine.admission import Decision, Effect, Reason, RoutingRequest
from phonelock.engine.xacml import Malformed, parse_request, salvage_called, write_answer
from tests.support.curri import QUESTION, instruction, question, verdict

ENTITY = '<!DOCTYPE Request [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
PUBLIC = '<!DOCTYPE Request PUBLIC "-//X//EN" "http://127.0.0.1:9/x.dtd">'
PARAMETER = '<!DOCTYPE Request [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]>'
LAUGHS = (
    '<!DOCTYPE Request [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY a{n} "{("&a" + (str(n - 1) if n > 1 else "") + ";") * 10}">'
        for n in range(1, 10)
    )
    + "]>"
)
QUADRATIC = '<!DOCTYPE Request [<!ENTITY q "' + "q" * 20_000 + '">]>'


def hostile(prologue: str, *, value: str = "&x;") -> str:
    whole = QUESTION.format(
        calling="201", called=value, transformed_calling="", transformed_called=""
    )
    return whole.replace("?>\n<Request", f"?>{prologue}\n<Request", 1)


HOSTILE = {
    "system entity": hostile(ENTITY),
    "public document type": hostile(PUBLIC, value="0335"),
    "parameter entity": hostile(PARAMETER, value="0335"),
    "billion laughs": hostile(LAUGHS, value="&a9;"),
    "quadratic": hostile(QUADRATIC, value="&q;" * 2000),
    "200,000 nested tags": "<a>" * 200_000,
    "20,000 nested tags": "<Request>" + "<a>" * 20_000,
    "cut off": QUESTION[:900],
    "not xml": "{}",
    "another document": "<html><body>hello</body></html>",
    "empty": "",
    "no called number": QUESTION.format(
        calling="201", called="", transformed_calling="", transformed_called=""
    ),
    "forbidden encoding": QUESTION.replace("UTF-8", "cp037", 1),
    "unknown encoding": QUESTION.replace("UTF-8", "x-nothing", 1),
}


@pytest.mark.feature("F260")
def test_the_question_of_a_live_switch_is_read_to_the_letter() -> None:
    body = question(
        "90012025550143",
        calling="2001",
        transformed_calling="+442079462001",
        transformed_called="+12025550143",
    )

    request = parse_request(body)

    assert request == RoutingRequest(
        calling="2001",
        called="90012025550143",
        transformed_calling="+442079462001",
        transformed_called="+12025550143",
        device="SEP00AA00000011",
        trigger="translationpattern",
    )


def test_ids_count_by_their_last_part_in_any_letters_order_and_prefix() -> None:
    body = b"""<x:Request xmlns:x="urn:x">
      <x:Attribute AttributeId="http://cisco.com/uc/2.0#CalledNumber"><x:AttributeValue> 0335 1 </x:AttributeValue></x:Attribute>
      <x:Attribute AttributeId="CALLINGNUMBER"><x:AttributeValue/></x:Attribute>
      <x:Attribute AttributeId="urn:Cisco:uc:1.0:callingNumber"><x:AttributeValue>201</x:AttributeValue></x:Attribute>
      <x:Attribute AttributeId="urn:Cisco:uc:9.9:somethingnew"><x:AttributeValue>?</x:AttributeValue></x:Attribute>
    </x:Request>"""

    request = parse_request(body)

    assert (request.calling, request.called) == ("201", "0335 1")


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("UTF-8", "utf-8"), ("ISO-8859-1", "latin-1"), ("UTF-16", "utf-16"), ("utf-8", "utf-8-sig")],
)
def test_the_declaration_in_the_xml_decides_on_the_encoding(declared: str, codec: str) -> None:
    text = QUESTION.replace("UTF-8", declared, 1).format(
        calling="201", called="Müller", transformed_calling="", transformed_called=""
    )

    assert parse_request(text.encode(codec)).called == "Müller"


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_and_broken_bodies_are_refused_at_once(kind: str, codec: str) -> None:
    text = HOSTILE[kind] if codec == "utf-8" else HOSTILE[kind].replace("UTF-8", "UTF-16", 1)
    body = text.encode(codec)
    tracemalloc.start()
    began = perf_counter()

    with pytest.raises(Malformed):
        parse_request(body)

    took = perf_counter() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert took < 0.1
    assert peak < 10_000_000


def test_a_called_number_is_found_even_in_a_body_that_breaks_off() -> None:
    whole = question("0112")
    cut = whole[: whole.index(b"0112") + 4]

    assert salvage_called(cut) == ("0112",)
    assert salvage_called(cut.decode().encode("utf-16")) == ("0112",)
    assert salvage_called(b"callednumber" * 5000) == ()


def test_looking_for_a_number_in_rubbish_takes_no_time() -> None:
    rubbish = (b'callednumber"' + b" " * 299 + b"<" + b"AttributeValue") * 250
    began = perf_counter()

    assert salvage_called(rubbish) == ()

    assert perf_counter() - began < 0.1


@pytest.mark.parametrize("effect", Effect)
def test_every_answer_is_well_formed_and_says_what_was_decided(effect: Effect) -> None:
    decision = Decision(
        effect, Reason.LOCKED, flag="BUDGET", divert_to='20"<00&', announcement='Bu"<dget&Spent'
    )

    body = write_answer(decision)

    root = ET.fromstring(body)  # noqa: S314 - our own answer
    assert root.tag == "Response"
    inner = root.find(".//AttributeValue")
    if effect is Effect.INDETERMINATE:
        assert (verdict(body), inner) == ("Indeterminate", None)
        return
    assert inner is not None
    cixml = ET.fromstring(inner.text or "")  # noqa: S314 - our own answer
    expected = {Effect.PERMIT: "continue", Effect.DIVERT: "divert", Effect.DENY: "reject"}
    assert cixml[0].tag == expected[effect]
    assert verdict(body) == ("Deny" if effect is Effect.DENY else "Permit")
    obligation = root.find(".//Obligation")
    assert obligation is not None
    assert obligation.get("FulfillOn") == verdict(body)
    if effect is Effect.DIVERT:
        assert cixml.findtext("divert/destination") == '20"<00&'
    if effect is Effect.DENY:
        announce = cixml.find("reject/announce")
        assert announce is not None
        assert announce.get("identification") == 'Bu"<dget&Spent'


def test_a_plain_permit_is_the_documented_one() -> None:
    body = write_answer(Decision(Effect.PERMIT, Reason.UNLOCKED))

    assert instruction(body) == '<cixml ver="1.0"><continue></continue></cixml>'
    assert body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Result><Decision>')
