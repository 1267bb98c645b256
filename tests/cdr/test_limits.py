"""The longest call that an amount buys: worked examples of rating 5.2 and domain 16.2."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

import pytest

from cdr.engine.limits import Limit, longest_call
from cdr.engine.rating import CompiledTariff
from cdr.engine.tariffs import epoch_ms
from kernel.money import exact_text
from tests.support.tariffs import NOON, band, compiled, destination, flat, step, tariff

pytestmark = pytest.mark.feature("F005")


def limit(
    made: CompiledTariff, credit: str, *, at: datetime = NOON, digits: str = "3902", horizon: int = 86_400
) -> Limit:  # fmt: skip
    return longest_call(
        made, digits=digits, answered_ms=epoch_ms(at), credit=Fraction(credit), max_seconds=horizon
    )


def bought(made: CompiledTariff, credit: str, **options: object) -> object:
    """(seconds, cost), or the reason of a refusal."""
    found = limit(made, credit, **options)  # type: ignore[arg-type]
    if not found.is_allowed:
        return found.reason
    seconds = None if found.max_ms is None else Fraction(found.max_ms, 1000)
    return seconds, exact_text(found.cost)


MINUTES = {"connect_fee": "0.05"}


@pytest.mark.parametrize(
    ("made", "credit", "expected"),
    [
        (flat(step("0.10"), **MINUTES), "1.00", (540, "0.95")),
        (flat(step("0.12", 30), step("0.12", 6, start=30)), "1.00", (498, "0.996")),
        (flat(step("0.10"), **MINUTES), "0.12", "insufficient_credit"),
        (flat(step("0.30"), connect_fee="0.20", free_seconds=120), "0.25", (120, "0.2")),
        (flat(step("0.20"), connect_fee="0.10"), "5.00", (1440, "4.9")),
        (flat(step("0.20"), connect_fee="0.10"), "0.29", "insufficient_credit"),
        (flat(step("0.20"), connect_fee="0.10"), "0.30", (60, "0.3")),
        (flat(step("0.10")), "5.00", (3000, "5")),
    ],
)
def test_worked_examples(made: CompiledTariff, credit: str, expected: object) -> None:
    assert bought(made, credit) == expected


def test_the_look_ahead_is_the_longest_answer() -> None:
    made = flat(step("0.10"))

    assert bought(made, "50.00", horizon=3600) == (3600, "6")
    assert limit(made, "50.00", horizon=3600).ends == "horizon"
    assert bought(made, "1000000") == (86_400, "144")


def test_bands_ahead_are_counted_not_the_starting_price() -> None:
    peak = band(step("0.30"), days=[1, 2, 3, 4, 5], start="07:00", end="19:00", weight=20)
    made = compiled(
        tariff(
            destination("49", peak, band(step("0.12"), weight=1)),
            timezone="Europe/Berlin",
            band_rule="split",
        )
    )
    at = datetime.fromisoformat("2026-03-04T18:58:00+01:00")

    assert bought(made, "1.00", at=at, digits="4930") == (300, "0.96")


def test_a_gap_ahead_ends_the_time() -> None:
    office = band(step("0.60", 60), start="08:00", end="18:00")
    made = compiled(tariff(destination("39", office), band_rule="split"))
    at = datetime.fromisoformat("2026-03-04T17:58:30+00:00")

    found = limit(made, "100", at=at)

    assert (found.max_ms, found.ends) == (120_000, "gap")
    assert bought(made, "1", at=datetime.fromisoformat("2026-03-04T07:00:00+00:00")) == "no_band"


def test_a_free_number_has_no_limit_even_without_money() -> None:
    made = flat(step("0"))

    for credit in ("0", "-3", "100"):
        assert bought(made, credit) == (None, "0")


def test_a_free_number_with_a_fee_needs_the_fee_alone() -> None:
    made = flat(step("0"), connect_fee="0.20")

    assert bought(made, "0.19") == "insufficient_credit"
    assert bought(made, "0.20") == (None, "0.2")


def test_free_at_both_times_of_day_is_free_without_limit_and_free_now_is_not() -> None:
    day = band(step("0"), start="08:00", end="18:00", weight=20)
    always = compiled(tariff(destination("39", day, band(step("0"))), band_rule="split"))
    later = compiled(tariff(destination("39", day, band(step("0.10"))), band_rule="split"))

    assert bought(always, "0") == (None, "0")
    assert bought(later, "0", horizon=3600) == (3600, "0")
    assert bought(later, "0.10") == (6 * 3600 + 60, "0.1")


def test_a_free_maximum_that_fits_takes_the_limit_away() -> None:
    made = flat(step("0.50"), maximum_charge="2.00", at_maximum="free")

    assert bought(made, "2.00") == (None, "2")
    assert bought(made, "1.99") == (180, "1.5")


def test_a_disconnect_maximum_cuts_the_call_there() -> None:
    made = flat(step("0.50"), maximum_charge="2.00", at_maximum="disconnect")

    assert bought(made, "100") == (240, "2")
    assert limit(made, "100").ends == "maximum_charge"
    assert bought(made, "1.20") == (120, "1")
    dear = flat(step("3"), maximum_charge="2.00", at_maximum="disconnect")
    assert bought(dear, "100") == "maximum_charge"


def test_a_minimum_must_fit_and_lasts_as_long_as_it_pays_for() -> None:
    made = flat(step("0.06", 1), minimum_charge="0.50")

    assert bought(made, "0.49") == "insufficient_credit"
    assert bought(made, "0.50") == (500, "0.5")


def test_grace_seconds_buy_nothing() -> None:
    made = flat(step("0.10"), connect_fee="0.05", grace_seconds=20)

    assert bought(made, "0.14") == "insufficient_credit"
    assert bought(made, "0.15") == (60, "0.15")


def test_the_rounded_charge_decides() -> None:
    """7 seconds cost 0.0035: rounded to two places nothing, half up; a cent, up."""

    def rounded(mode: str) -> CompiledTariff:
        rule = {"mode": mode, "decimals": 2}
        return compiled(tariff(destination("39", band(step("0.03", 1))), rounding=rule))

    assert bought(rounded("half_up"), "0") == (9, "0")
    assert bought(rounded("half_even"), "0") == (10, "0")
    assert bought(rounded("up"), "0") == "insufficient_credit"
    assert bought(rounded("down"), "0") == (19, "0")
    assert bought(rounded("up"), "0.01") == (20, "0.01")


def test_steps_and_fractions_of_a_second_are_exact() -> None:
    made = flat(step("0.10", 60), step("0.06", "0.5", start=60))

    assert bought(made, "0.1013") == (61, "0.101")
    assert bought(made, "0.1015") == (Fraction(123, 2), "0.1015")


def test_unknown_and_barred_numbers_are_refused_with_their_reason() -> None:
    made = compiled(tariff(destination("39", band(step("1"))), destination("39900")))

    assert bought(made, "10", digits="4412") == "no_prefix"
    assert bought(made, "10", digits="399001") == "barred"
