"""The receipt on a call's page: translated, complete, and its column adds up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from cdr.engine.rating import REASONS, Unpriced
from cdr.engine.receipts import Receipt, ReceiptLine, explain
from cdr.engine.tariffs import epoch_ms
from cdr.models import Adjustment, Call
from cdr.queries.explanations import Explanation, explain_call
from cdr.receipt_words import WORDS, exact_money, line_words, receipt_of, timeline_of
from cdr.words import UNRATED, UNRATED_CURES, unrated_words
from tests.support.mining import company, mine, outgoing
from tests.support.pages import PagesWorld, pages_world
from tests.support.tariff_strategies import moments, talks, tariffs
from tests.support.tariffs import Document, compiled

NUMBER = "390212345"
pytestmark = pytest.mark.feature("F005")


def page_of_lines(lines: tuple[ReceiptLine, ...], *, cost: int) -> Any:
    explanation = Explanation(
        call_id="1",
        leg="1",
        status="rated",
        currency="EUR",
        entries=lines,
        cost_micros=cost,
        charge_micros=cost,
        adds_up=True,
    )
    return receipt_of(explanation, Call(charge_micros=cost, cost_micros=cost))


@given(document=tariffs(), at=moments, talk_ms=talks)
@settings(max_examples=150, deadline=None)
def test_the_lines_of_a_receipt_add_up_to_the_charge(
    document: Document, at: datetime, talk_ms: int
) -> None:
    receipt = explain(compiled(document), digits=NUMBER, answered_ms=epoch_ms(at), talk_ms=talk_ms)
    if isinstance(receipt, Unpriced):
        return
    assert isinstance(receipt, Receipt)

    page = page_of_lines(receipt.lines, cost=receipt.stored)

    rows = [row for part in page.parts for row in part.rows]
    added = sum((row.amount for row in rows if row.amount and not row.is_sum), Fraction(0))
    assert added * 10**6 == receipt.stored
    before_rounding = [row.amount for row in rows if row.kind == "sum"]
    assert before_rounding == [receipt.exact]


@given(document=tariffs(), at=moments, talk_ms=talks)
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_every_line_of_a_receipt_has_words(
    language: str, document: Document, at: datetime, talk_ms: int
) -> None:
    receipt = explain(compiled(document), digits=NUMBER, answered_ms=epoch_ms(at), talk_ms=talk_ms)
    if isinstance(receipt, Unpriced):
        return

    with translation.override(language):
        words = [line_words(line, "EUR") for line in receipt.lines]

    assert {line.kind for line in receipt.lines} <= WORDS.keys()
    assert all(text and "%(" not in text for text in words)


@given(st.fractions(-(10**6), 10**6, max_denominator=10**6), st.sampled_from(["EUR", "GBP", "JPY"]))
def test_an_exact_amount_never_pretends_to_end(amount: Fraction, currency: str) -> None:
    text = exact_money(amount, currency)

    has_end = amount.denominator == 2 ** _exponent(amount.denominator, 2) * 5 ** _exponent(
        amount.denominator, 5
    )
    assert text.endswith("…") is not has_end


def _exponent(number: int, base: int) -> int:
    count = 0
    while number % base == 0:
        number //= base
        count += 1
    return count


@pytest.mark.django_db
def test_a_call_s_receipt_adds_up_to_what_is_stored() -> None:
    place = company()
    place.person("mary", "201")
    mine(outgoing("1", talk=90))
    call = Call.objects.get()
    assert call.charge_micros

    page = receipt_of(explain_call(call), call)

    amounts = [row.amount or 0 for part in page.parts for row in part.rows if not row.is_sum]
    assert sum(amounts) * 10**6 == call.cost_micros
    assert page.adds_up
    notes = " ".join(note.words for part in page.parts for note in part.notes)
    assert call.matched_prefix in notes
    assert "Carrier" in notes


@pytest.mark.django_db
def test_a_receipt_speaks_the_language_of_its_reader() -> None:
    place = company()
    place.person("mary", "201")
    mine(outgoing("1", talk=90))
    call = Call.objects.get()

    with translation.override("de"):
        page = receipt_of(explain_call(call), call)

    shown = [row.shown for part in page.parts for row in part.rows]
    assert any("," in amount for amount in shown), shown


@pytest.mark.parametrize(("language", "mark"), [("en", "; valid from"), ("ar", "؛ سارية من")])
def test_the_parts_of_a_note_have_the_marks_of_the_script(language: str, mark: str) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    values = {"tariff": "Flat", "prefix": "44", "area": "", "valid_from": since, "valid_to": None}
    line: Any = None

    with translation.override(language):
        words = WORDS["prefix"](values, line, "EUR")

    assert mark in words


@pytest.mark.django_db
@pytest.mark.parametrize("reason", ["no_prefix", "no_band", "no_carrier", "charge_no_prefix"])
def test_a_call_without_a_price_says_why_and_what_to_do(reason: str) -> None:
    world = pages_world(datetime.now(UTC))
    call = world.call("anna", "+4412345678", "OA", charge=None, unrated_reason=reason)

    page = receipt_of(explain_call(call), call)

    assert page.unrated.startswith("Not rated: ")
    assert reason not in page.unrated
    assert "rate the" in page.cure or "rate them" in page.cure


def test_every_reason_of_the_rating_has_words_and_a_cure() -> None:
    assert set(REASONS) <= set(UNRATED)
    assert set(REASONS) <= set(UNRATED_CURES)
    assert "charge_" not in unrated_words("charge_not_valid")


@pytest.fixture
def world(db: None) -> PagesWorld:
    return pages_world(datetime.now(UTC))


def test_the_timeline_tells_the_call_and_then_its_corrections(world: PagesWorld) -> None:
    call = world.calls["own"]
    later = world.now + timedelta(days=1)
    Adjustment.objects.create(
        call=call,
        made_at=later,
        made_by="frank",
        reason="rerated",
        old_charge_micros=None,
        new_charge_micros=1_250_000,
    )

    entries = timeline_of(call, call.adjustments.all())

    assert [entry["words"] for entry in entries] == [
        "The call began",
        "Answered after 00:00:07",
        "Ended after 00:01:00 of talk",
        "The call was rated again",
    ]
    assert entries[-1]["detail"] == "Charge: not rated before, €1.25 since"
    assert entries[-1]["by"] == "frank"
