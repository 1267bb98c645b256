"""Rating on random input: against a slow second opinion, and the laws that always hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdr.engine.bands import overlap
from cdr.engine.limits import longest_call
from cdr.engine.rating import Priced, Unpriced
from cdr.engine.receipts import Receipt, explain
from cdr.engine.tariffs import epoch_ms, parse_tariff
from kernel.money import round_amount
from tests.support.tariff_strategies import (
    CHANGES,
    amounts,
    increments,
    moments,
    prices,
    talks,
    tariffs,
    times,
)
from tests.support.tariffs import (
    Document,
    band,
    compiled,
    destination,
    second_opinion,
    step,
    tariff,
)

pytestmark = pytest.mark.feature("F005")

NUMBER = "390212345"


def price(made: Any, at: datetime, talk_ms: int) -> Priced | Unpriced:
    found: Priced | Unpriced = made.price(digits=NUMBER, answered_ms=epoch_ms(at), talk_ms=talk_ms)
    return found


@given(document=tariffs(), at=moments, talk_ms=talks)
@settings(max_examples=200, deadline=None)
def test_the_closed_form_agrees_with_walking_every_increment(
    document: Document, at: datetime, talk_ms: int
) -> None:
    found = price(compiled(document), at, talk_ms)
    expected = second_opinion(document, digits=NUMBER, at=at, talk_ms=talk_ms)

    if isinstance(found, Unpriced):
        assert found.reason == expected
    else:
        assert (Fraction(found.cost, 10**6), Fraction(found.billed_ms, 1000)) == expected


@given(document=tariffs(), at=moments, talk_ms=talks)
@settings(max_examples=120, deadline=None)
def test_a_receipt_adds_up_to_the_price(document: Document, at: datetime, talk_ms: int) -> None:
    made = compiled(document)
    found = price(made, at, talk_ms)
    receipt = explain(made, digits=NUMBER, answered_ms=epoch_ms(at), talk_ms=talk_ms)

    if isinstance(found, Unpriced):
        assert receipt == found
        return
    assert isinstance(receipt, Receipt)
    total = sum((line.amount for line in receipt.lines if line.amount is not None), Fraction(0))
    rule = document["rounding"]
    assert total == receipt.exact
    assert round_amount(total, mode=rule["mode"], decimals=rule["decimals"]) == receipt.cost
    assert receipt.cost * 10**6 == receipt.stored == found.cost
    steps = [line for line in receipt.lines if line.kind == "step"]
    assert sum(line.billed_ms or 0 for line in steps) == found.billed_ms


@given(document=tariffs(), at=moments, talk_ms=talks, longer=st.integers(0, 400_000))
@settings(max_examples=120, deadline=None)
def test_a_longer_call_never_costs_less(
    document: Document, at: datetime, talk_ms: int, longer: int
) -> None:
    made = compiled(document)
    short, long = price(made, at, talk_ms), price(made, at, talk_ms + longer)

    if isinstance(short, Priced) and isinstance(long, Priced):
        assert short.cost <= long.cost
        assert short.billed_ms <= long.billed_ms
    else:
        assert isinstance(long, Unpriced)


@given(document=tariffs(), at=moments, talk_ms=st.integers(1, 2_000_000))
@settings(max_examples=120, deadline=None)
def test_the_cost_changes_only_where_an_increment_ends(
    document: Document, at: datetime, talk_ms: int
) -> None:
    made = compiled(document)
    receipt = explain(made, digits=NUMBER, answered_ms=epoch_ms(at), talk_ms=talk_ms)
    if isinstance(receipt, Unpriced) or not receipt.billed_ms:
        return
    last = [line for line in receipt.lines if line.kind == "step"][-1]
    edge = (last.start_ms or 0) + (last.billed_ms or 0)

    at_edge = price(made, at, edge)

    assert isinstance(at_edge, Priced)
    assert edge >= talk_ms
    assert at_edge.cost == receipt.stored


@given(
    price_text=prices,
    increment=increments,
    fee=amounts,
    talk_ms=st.integers(1, 10**7),
)
def test_one_band_and_one_step_follow_the_plain_formula(
    price_text: str, increment: Any, fee: str, talk_ms: int
) -> None:
    made = compiled(
        tariff(
            destination("39", band(step(price_text, increment), connect_fee=fee)),
            rounding={"mode": "down", "decimals": 6},
        )
    )
    step_ms = Fraction(str(increment)) * 1000
    count = -(-talk_ms // step_ms)
    exact = Fraction(fee) + count * step_ms * Fraction(price_text) / 60_000

    found = price(made, CHANGES[0], talk_ms)

    assert isinstance(found, Priced)
    assert found.cost == exact * 10**6 // 1


@given(
    digits=st.text("0123456789", min_size=1, max_size=8),
    deck=st.dictionaries(st.text("0123456789", max_size=4), prices, min_size=1, max_size=12),
    cut=st.integers(0, 12),
)
def test_order_of_rows_and_shorter_prefixes_never_matter(
    digits: str, deck: dict[str, str], cut: int
) -> None:
    rows = [destination(prefix, band(step(text, 60))) for prefix, text in deck.items()]
    turned = rows[cut:] + rows[:cut]
    straight, shuffled = compiled(tariff(*rows)), compiled(tariff(*turned))

    found = straight.price(digits=digits, answered_ms=0, talk_ms=1)

    assert found == shuffled.price(digits=digits, answered_ms=0, talk_ms=1)
    if isinstance(found, Priced):
        others = [row for row in rows if len(row["prefix"]) >= len(found.prefix)]
        without_shorter = compiled(tariff(*others))
        assert found == without_shorter.price(digits=digits, answered_ms=0, talk_ms=1)


@given(
    document=tariffs(),
    at=moments,
    credit=st.builds(lambda n: Fraction(n, 1000), st.integers(0, 20_000)),
    seconds=st.sampled_from([60, 900, 3600]),
)
@settings(max_examples=250, deadline=None)
def test_the_longest_call_is_the_exact_inverse_of_the_price(
    document: Document, at: datetime, credit: Fraction, seconds: int
) -> None:
    document["destinations"][0]["bands"] = [
        {**each, "grace_seconds": 0} for each in document["destinations"][0]["bands"]
    ]
    made = compiled(document)

    limit = longest_call(
        made, digits=NUMBER, answered_ms=epoch_ms(at), credit=credit, max_seconds=seconds
    )

    def costs(talk_ms: int) -> Fraction | None:
        found = price(made, at, talk_ms)
        return Fraction(found.cost, 10**6) if isinstance(found, Priced) else None

    shortest = costs(1)
    if not limit.is_allowed:
        if limit.reason == "insufficient_credit":
            assert shortest is not None
            assert shortest > credit
        elif limit.reason == "maximum_charge":
            assert shortest is not None
        else:
            assert shortest is None
        return
    horizon = seconds * 1000
    reached = horizon if limit.max_ms is None else limit.max_ms
    assert 0 < reached <= horizon
    at_limit = costs(reached)
    assert at_limit is not None
    assert at_limit <= credit
    if limit.max_ms is not None:
        assert at_limit == limit.cost
    beyond = costs(reached + 1)
    if limit.ends == "credit":
        assert beyond is not None
        assert beyond > credit
    elif limit.ends == "gap":
        assert beyond is None
    elif limit.ends == "horizon":
        assert reached == horizon
    elif limit.max_ms is None:
        far = costs(40 * horizon)
        assert far is None or far <= credit


calendar_bits = st.fixed_dictionaries(
    {
        "days": st.none() | st.lists(st.integers(1, 7), min_size=1, max_size=3),
        "months": st.none() | st.lists(st.integers(1, 12), min_size=1, max_size=2),
        "month_days": st.none() | st.lists(st.integers(1, 31), min_size=1, max_size=2),
        "holiday": st.sampled_from([None, True, False]),
        "from": times,
        "to": times,
    }
)


@given(one=calendar_bits, other=calendar_bits)
@settings(max_examples=200, deadline=None)
def test_bands_said_not_to_overlap_never_hold_together(one: Document, other: Document) -> None:
    document = tariff(
        destination("39", {**band(step("1")), **one, "weight": 1}, {**band(step("2")), **other, "weight": 2}),
        holidays="IT",
    )  # fmt: skip
    first, second = parse_tariff(document).destinations[0].bands or ()
    if overlap(first.when, second.when, has_holidays=True):
        return
    both = {
        name: compiled(tariff(destination("39", each), holidays="IT"))
        for name, each in (("one", document["destinations"][0]["bands"][0]), ("other", document["destinations"][0]["bands"][1]))
    }  # fmt: skip
    for day in range(0, 366, 5):
        for hour in (0, 2, 8, 12, 20, 23):
            at = datetime(2028, 1, 1, hour, 31, tzinfo=UTC) + timedelta(days=day)
            holding = [isinstance(price(made, at, 1000), Priced) for made in both.values()]
            assert holding != [True, True]
