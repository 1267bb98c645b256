"""Rating: the worked examples of the rating and domain references, hand-checked."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from cdr.engine.charges import user_charge
from cdr.engine.rating import Priced, Unpriced
from cdr.engine.tariffs import epoch_ms
from kernel.money import Micros
from tests.support.tariffs import (
    Document,
    band,
    billed,
    compiled,
    cost,
    destination,
    flat,
    rate,
    step,
    tariff,
)

pytestmark = pytest.mark.feature("F005")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- What is billable (rating 3.1) ----------------------------------------------------------------


def test_ringing_alone_costs_nothing_fee_or_not() -> None:
    assert cost(flat(step("0.60", 60), connect_fee="0.10"), 0) == "0"


def test_a_call_without_talk_costs_nothing_even_where_no_prefix_fits() -> None:
    found = rate(flat(step("0.60")), 0, digits="4412345")

    assert found == Priced(Micros(0), 0, "", "", "")


def test_a_fraction_of_a_second_opens_an_increment() -> None:
    made = compiled(
        tariff(
            destination("39", band(step("0.60", 1))), rounding={"mode": "half_up", "decimals": 2}
        )
    )

    assert cost(made, "0.4") == "0.01"
    assert billed(flat(step("0.10", 60)), "60.2") == 120


def test_a_negative_duration_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="negative"):
        rate(flat(step("0.60")), -1)


# --- Longest prefix and dates (3.2, 3.3, 3.14) ----------------------------------------------------


def test_the_longest_prefix_wins_whatever_the_order_of_rows() -> None:
    rows = [
        destination("49170", band(step("0.11", 60))),
        destination("49", band(step("0.02", 60))),
        destination("491", band(step("0.09", 60))),
    ]

    for ordered in (rows, rows[::-1]):
        made = compiled(tariff(*ordered))
        assert cost(made, 60, digits="4917012345") == "0.11"
        assert cost(made, 60, digits="4915112345") == "0.09"
        assert cost(made, 60, digits="4930123456") == "0.02"


def test_prefixes_are_text_with_their_leading_zeros() -> None:
    made = compiled(
        tariff(destination("0", band(step("1", 60))), destination("00", band(step("2", 60))))
    )

    assert cost(made, 60, digits="0123") == "1"
    assert cost(made, 60, digits="00123") == "2"


def test_the_empty_prefix_is_a_catch_all_only_where_it_is_written() -> None:
    only_italy = tariff(destination("39", band(step("0.02", 60))))
    with_rest = tariff(*only_italy["destinations"], destination("", band(step("3", 60))))

    assert cost(compiled(only_italy), 60, digits="4412") == "unrated: no_prefix"
    assert cost(compiled(with_rest), 60, digits="4412") == "3"


def test_a_barred_destination_beats_a_shorter_priced_prefix() -> None:
    made = compiled(tariff(destination("49", band(step("0.02", 60))), destination("49900")))

    assert cost(made, 60, digits="499001") == "unrated: barred"
    assert cost(made, 60, digits="49901") == "0.02"


def test_a_price_change_holds_for_calls_answered_after_it() -> None:
    change = "2026-06-01T00:00:00+00:00"
    made = compiled(
        tariff(
            destination("44", band(step("0.030", 1)), valid_to=change),
            destination("44", band(step("0.035", 1)), valid_from=change),
        )
    )

    assert cost(made, 120, digits="4420", at=instant("2026-05-31T23:59:30Z")) == "0.06"
    assert cost(made, 120, digits="4420", at=instant("2026-06-01T00:00:00Z")) == "0.07"


def test_the_latest_start_wins_and_its_end_gives_the_older_row_back() -> None:
    made = compiled(
        tariff(
            destination("44", band(step("1", 60)), valid_from="2026-03-01T00:00:00Z", valid_to="2026-04-01T00:00:00Z"),
            destination("44", band(step("3", 60))),
            destination("44", band(step("2", 60)), valid_from="2026-02-01T00:00:00Z"),
        )
    )  # fmt: skip

    at = {"2026-01-31": "3", "2026-02-28": "2", "2026-03-31": "1", "2026-04-01": "2"}
    for day, price in at.items():
        assert cost(made, 60, digits="441", at=instant(f"{day}T12:00:00Z")) == price


def test_a_longer_prefix_that_starts_next_week_leaves_today_to_the_shorter() -> None:
    made = compiled(
        tariff(
            destination("44", band(step("0.03", 60))),
            destination("447", band(step("0.20", 60)), valid_from="2026-03-11T00:00:00Z"),
        )
    )

    assert cost(made, 60, digits="447700", at=instant("2026-03-04T00:00:00Z")) == "0.03"
    assert cost(made, 60, digits="447700", at=instant("2026-03-11T00:00:00Z")) == "0.2"


def test_a_number_whose_rows_all_lie_at_other_times_is_not_rated() -> None:
    made = compiled(
        tariff(destination("44", band(step("0.03", 60)), valid_to="2026-01-01T00:00:00Z"))
    )

    assert cost(made, 60, digits="4420") == "unrated: not_valid"


def test_a_named_area_without_a_price_is_known_and_not_rated() -> None:
    name = destination("3902", area="Milan", number_class="local") | {"bands": None}
    made = compiled(tariff(name))

    found = rate(made, 60, digits="390212345")

    assert found == Unpriced("no_price", "", "Milan", "local")


def test_names_say_the_area_and_never_touch_the_price() -> None:
    italy = destination("39", band(step("0.02", 60)), area="Italy", number_class="national")
    milan = destination("3902", area="Milan") | {"bands": None}
    coarse = destination("3", area="Somewhere in Europe") | {"bands": None}
    made = compiled(tariff(italy, milan, coarse))

    in_milan, in_rome = rate(made, 60, digits="3902123"), rate(made, 60, digits="3906123")

    assert in_milan == Priced(Micros(20_000), 60_000, "39", "Milan", "national")
    assert in_rome == Priced(Micros(20_000), 60_000, "39", "Italy", "national")


# --- Price unit, fees, increments, steps (3.4 to 3.7; domain 5.2) ----------------------------------


def test_price_unit_and_increment_are_independent() -> None:
    assert cost(flat(step("0.12", 6)), 14) == "0.036"


@pytest.mark.parametrize(
    ("seconds", "expected"), [(1, "0.15"), (60, "0.15"), (61, "0.25"), (0, "0")]
)
def test_the_connect_fee_is_taken_once(seconds: int, expected: str) -> None:
    assert cost(flat(step("0.10", 60), connect_fee="0.05"), seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected", "billed_seconds"),
    [(8, "0.09", 30), (30, "0.09", 30), (31, "0.108", 36), (37, "0.126", 42)],
)
def test_first_and_next_increment_may_differ(
    seconds: int, expected: str, billed_seconds: int
) -> None:
    made = flat(step("0.18", 30), step("0.18", 6, start=30))

    assert cost(made, seconds) == expected
    assert billed(made, seconds) == billed_seconds


def test_the_first_increment_may_be_shorter_than_the_next() -> None:
    made = flat(step("0.60", 30), step("0.60", 60, start=30))

    assert billed(made, 30) == 30
    assert billed(made, 31) == 90
    assert billed(made, 91) == 150


@pytest.mark.parametrize(
    ("made", "seconds", "expected"),
    [
        (flat(step("0.12", 30), step("0.12", 6, start=30)), 31, "0.072"),
        (flat(step("0.15", 1)), 100, "0.25"),
        (flat(step("0.0175", 1)), 45, "0.0131"),
    ],
)
def test_domain_vectors_of_increments(made: object, seconds: int, expected: str) -> None:
    assert cost(made, seconds) == expected  # type: ignore[arg-type]


def test_a_later_step_has_its_own_price_and_increment() -> None:
    made = flat(step("0.24", 60), step("0.06", 1, start=180))

    assert cost(made, 200) == "0.74"


def test_an_increment_belongs_whole_to_the_step_in_which_it_begins() -> None:
    made = flat(step("0.24", 60), step("0.06", 1, start=90))

    assert cost(made, 125) == "0.485"


def test_a_step_that_an_increment_jumps_over_is_never_used() -> None:
    made = flat(step("1", 60), step("100", 1, start=10), step("2", 60, start=20))

    assert cost(made, 61) == "3"


@pytest.mark.parametrize(("seconds", "expected"), [(3, "0"), (4, "0.15"), (60, "0.15")])
def test_grace_makes_short_calls_free_of_the_fee_too(seconds: int, expected: str) -> None:
    assert cost(flat(step("0.10"), connect_fee="0.05", grace_seconds=3), seconds) == expected


def test_a_call_longer_than_the_grace_is_charged_from_its_first_second() -> None:
    made = flat(step("0.06", 1), grace_seconds=5)

    assert cost(made, 5) == "0"
    assert cost(made, 6) == "0.006"


def test_free_seconds_are_taken_off_before_the_increments() -> None:
    made = flat(step("0.06", 1), free_seconds=30)

    assert cost(made, 50) == "0.02"
    assert billed(made, 50) == 20


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(68, "0.2"), (125, "0.5"), (180, "0.5"), (190, "0.8"), (380, "1.7")],
)
def test_a_fee_may_include_seconds(seconds: int, expected: str) -> None:
    assert cost(flat(step("0.30"), connect_fee="0.20", free_seconds=120), seconds) == expected


def test_increments_begin_at_the_first_paid_second_and_steps_count_from_the_answer() -> None:
    made = flat(step("0.60", 60), step("0.06", 1, start=70), free_seconds=30)

    assert cost(made, 30) == "0"
    assert cost(made, 31) == "0.6"
    assert cost(made, 90) == "0.6"
    assert cost(made, 91) == "0.601"


def test_increments_and_steps_may_be_fractions_of_a_second() -> None:
    made = flat(step("0.06", "0.5", per=1), step("0.03", 0.1, per=1, start="1.5"))

    assert cost(made, "0.001") == "0.03"
    assert cost(made, "1.501") == "0.093"
    assert billed(made, "1.501") == Fraction(16, 10)


# --- Minimum and maximum (3.9) ---------------------------------------------------------------------


def test_the_minimum_is_for_calls_that_were_talked() -> None:
    made = flat(step("0.02", 1), minimum_charge="0.05")

    assert cost(made, 60) == "0.05"
    assert cost(made, 0) == "0"
    assert cost(made, 600) == "0.2"


@pytest.mark.parametrize("fee", ["0", "0.07"])
def test_the_minimum_counts_the_fee(fee: str) -> None:
    assert cost(flat(step("0.02", 1), connect_fee=fee, minimum_charge="0.10"), 10) == "0.1"


def test_beyond_a_free_maximum_the_rest_costs_nothing() -> None:
    made = flat(step("0.50"), maximum_charge="2.00", at_maximum="free")

    assert cost(made, 240) == "2"
    assert cost(made, 420) == "2"
    capped = flat(step("0.10"), connect_fee="0.05", maximum_charge="0.50")
    assert cost(capped, 600) == "0.5"


def test_a_call_past_a_disconnect_maximum_is_rated_in_full_and_flagged() -> None:
    made = flat(step("0.50"), maximum_charge="2.00", at_maximum="disconnect")

    inside, beyond = rate(made, 240), rate(made, 420)

    assert isinstance(inside, Priced)
    assert isinstance(beyond, Priced)
    assert (inside.cost, inside.over_maximum) == (2_000_000, False)
    assert (beyond.cost, beyond.over_maximum) == (3_500_000, True)


# --- Rounding (3.10) -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "expected"), [("up", "0.1517"), ("half_up", "0.1517"), ("down", "0.1516")]
)
def test_a_call_is_rounded_once(mode: str, expected: str) -> None:
    document = tariff(
        destination("39", band(step("0.07", 1))), rounding={"mode": mode, "decimals": 4}
    )

    assert cost(compiled(document), 130) == expected


@pytest.mark.parametrize("mode", ["up", "half_up", "half_even", "down", "none"])
def test_an_exact_amount_is_left_alone(mode: str) -> None:
    document = tariff(
        destination("39", band(step("0.04", 1))), rounding={"mode": mode, "decimals": 2}
    )

    assert cost(compiled(document), 150) == "0.1"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("half_up", "0.13"), ("half_even", "0.12"), ("up", "0.13"), ("down", "0.12")],
)
def test_the_middle_goes_where_the_mode_says(mode: str, expected: str) -> None:
    document = tariff(
        destination("39", band(step("0.125", 60))), rounding={"mode": mode, "decimals": 2}
    )

    assert cost(compiled(document), 60) == expected


def test_a_stored_charge_has_at_most_six_decimals() -> None:
    for rounding in ({"mode": "half_up", "decimals": 9}, {"mode": "none", "decimals": 4}):
        document = tariff(destination("39", band(step("0.0000007", 60))), rounding=rounding)
        assert cost(compiled(document), 60) == "0.000001"


# --- Time bands (3.8) ------------------------------------------------------------------------------

PEAK = {"days": [1, 2, 3, 4, 5], "start": "07:00", "end": "19:00", "weight": 20}


def peak_tariff(increment: int, *, rule: str = "split") -> Document:
    return tariff(
        destination(
            "49", band(step("0.30", increment), **PEAK), band(step("0.12", increment), weight=1)
        ),
        timezone="Europe/Berlin",
        band_rule=rule,
    )


BEFORE_SEVEN = datetime.fromisoformat("2026-03-04T18:58:30+01:00")


@pytest.mark.parametrize(
    ("increment", "rule", "expected"),
    [(1, "split", "0.75"), (60, "split", "0.84"), (60, "answer", "1.2"), (1, "answer", "1.2")],
)
def test_a_call_over_the_evening_border(increment: int, rule: str, expected: str) -> None:
    made = compiled(peak_tariff(increment, rule=rule))

    assert cost(made, 240, digits="4930", at=BEFORE_SEVEN) == expected


def test_the_border_second_belongs_to_the_band_that_starts_there() -> None:
    made = compiled(peak_tariff(60, rule="answer"))

    assert cost(made, 60, digits="49", at=instant("2026-03-04T18:59:59.999+01:00")) == "0.3"
    assert cost(made, 60, digits="49", at=instant("2026-03-04T19:00:00+01:00")) == "0.12"
    assert cost(made, 60, digits="49", at=instant("2026-03-04T06:59:59.999+01:00")) == "0.12"
    assert cost(made, 60, digits="49", at=instant("2026-03-04T07:00:00+01:00")) == "0.3"


def night(price: str, start: str, end: str, day: str) -> Document:
    return tariff(
        destination(
            "49", band(step(price, 1), start=start, end=end, weight=20), band(step(day, 1))
        ),
        timezone="Europe/Berlin",
        band_rule="split",
    )


def test_in_the_spring_night_local_time_jumps_and_the_duration_does_not() -> None:
    made = compiled(night("0.06", "00:00", "03:00", "0.24"))

    assert cost(made, 1800, digits="49", at=instant("2026-03-29T00:50:00Z")) == "5.4"


@pytest.mark.parametrize(("minutes", "expected"), [(60, "3.6"), (120, "12.6")])
def test_in_the_autumn_night_the_repeated_hour_is_in_its_band_twice(
    minutes: int, expected: str
) -> None:
    made = compiled(night("0.06", "02:00", "03:00", "0.24"))

    assert cost(made, minutes * 60, digits="49", at=instant("2026-10-25T00:30:00Z")) == expected


def test_a_band_over_midnight_takes_the_weekday_of_the_second_itself() -> None:
    made = compiled(
        tariff(
            destination("49", band(step("1", 60), days=[1], start="22:00", end="06:00"), band(step("5", 60), weight=1))
        )
    )  # fmt: skip

    at = {
        "2026-03-02T05:59:59": "1",  # Monday, early: the second is a Monday's
        "2026-03-02T06:00:00": "5",
        "2026-03-02T22:00:00": "1",
        "2026-03-03T05:00:00": "5",  # Tuesday, early: no longer Monday
    }
    for local, price in at.items():
        assert cost(made, 1, digits="49", at=instant(local + "+00:00")) == price


@pytest.mark.parametrize("times", [("09:00", "09:00"), ("00:00", "24:00"), (None, None)])
def test_a_band_without_borders_lasts_all_day(times: tuple[str | None, str | None]) -> None:
    made = flat(step("1", 60), start=times[0], end=times[1])

    for hour in range(24):
        assert cost(made, 1, at=datetime(2026, 3, 4, hour, 30, tzinfo=UTC)) == "1"


def test_holidays_months_and_days_of_the_month_choose_the_band() -> None:
    made = compiled(
        tariff(
            destination(
                "39",
                band(step("1", 60), holiday=False, weight=10),
                band(step("2", 60), holiday=True, weight=20),
                band(step("3", 60), months=[8], month_days=[10, 11], weight=30),
            ),
            timezone="Europe/Rome",
            holidays="IT",
        )
    )

    at = {
        "2026-01-06T00:00:00+01:00": "2",  # Epiphany, from local midnight
        "2026-01-05T23:59:59+01:00": "1",
        "2026-01-06T23:30:00Z": "1",  # already the 7th in Rome
        "2026-08-10T10:00:00+02:00": "3",
        "2026-08-12T10:00:00+02:00": "1",
        "2026-07-10T10:00:00+02:00": "1",
    }
    for moment, price in at.items():
        assert cost(made, 1, at=instant(moment)) == price


def test_a_holiday_outside_every_band_leaves_the_call_unrated() -> None:
    document = tariff(
        destination("39", band(step("1", 60), holiday=False)),
        timezone="Europe/Rome",
        holidays="IT",
    )

    assert cost(compiled(document), 60, at=instant("2026-01-06T10:00:00Z")) == "unrated: no_band"


def test_regions_have_holidays_of_their_own() -> None:
    rules = [band(step("1", 60)), band(step("2", 60), holiday=True, weight=20)]
    corpus_christi = instant("2026-06-04T10:00:00+02:00")

    for calendar, price in (("DE", "1"), ("DE-BY", "2")):
        document = tariff(destination("49", *rules), timezone="Europe/Berlin", holidays=calendar)
        assert cost(compiled(document), 60, digits="49", at=corpus_christi) == price


def test_the_heaviest_of_two_bands_wins() -> None:
    made = flat_two(weights=(10, 11))

    assert cost(made, 60) == "2"
    assert cost(flat_two(weights=(12, 11)), 60) == "1"


def flat_two(*, weights: tuple[int, int]):  # type: ignore[no-untyped-def]
    return compiled(
        tariff(
            destination(
                "39", band(step("1", 60), weight=weights[0]), band(step("2", 60), weight=weights[1])
            )
        )
    )


OFFICE = {"start": "08:00", "end": "18:00"}


def test_an_answer_in_a_gap_is_not_rated_and_a_gap_later_is_not_asked_about() -> None:
    made = compiled(tariff(destination("39", band(step("0.60", 60), **OFFICE))))

    assert cost(made, 60, at=instant("2026-03-04T07:59:59Z")) == "unrated: no_band"
    assert cost(made, 600, at=instant("2026-03-04T17:59:00Z")) == "6"


@pytest.mark.parametrize(
    ("seconds", "expected"), [(60, "0.6"), (119, "1.2"), (120, "1.2"), (121, "unrated: no_band")]
)
def test_split_an_increment_that_begins_in_a_gap_makes_the_call_unrated(
    seconds: int, expected: str
) -> None:
    made = compiled(tariff(destination("39", band(step("0.60", 60), **OFFICE)), band_rule="split"))

    assert cost(made, seconds, at=instant("2026-03-04T17:58:30Z")) == expected


def test_split_fee_minimum_and_free_seconds_are_those_of_the_first_band() -> None:
    first = band(
        step("0.60", 1), start="08:00", end="18:00", connect_fee="0.10", free_seconds=30, minimum_charge="0.50", weight=20
    )  # fmt: skip
    second = band(step("0.06", 1), connect_fee="9", minimum_charge="9", free_seconds=900)
    made = compiled(tariff(destination("39", first, second), band_rule="split"))

    before_six = instant("2026-03-04T17:59:00Z")

    assert cost(made, 30, at=before_six) == "0.5"
    assert cost(made, 60, at=before_six) == "0.5"
    assert cost(made, 120, at=before_six) == "0.5"
    assert cost(made, 300, at=before_six) == "0.64"


def test_split_steps_count_from_the_answer_across_bands() -> None:
    day = band(step("0.60", 60), step("0.30", 60, start=120), start="08:00", end="18:00", weight=20)
    evening = band(step("0.12", 60), step("0.06", 60, start=120))
    made = compiled(tariff(destination("39", day, evening), band_rule="split"))

    assert cost(made, 240, at=instant("2026-03-04T17:59:00Z")) == "0.84"


# --- Several carriers' contracts, and the user's charge (domain 5.2) -------------------------------


def test_the_surcharge_is_added_after_the_mark_up() -> None:
    charge = user_charge(cost=250_000, markup_percent=Decimal(20), surcharge=50_000)

    assert charge == 350_000


def test_a_call_that_cost_nothing_is_charged_nothing() -> None:
    assert user_charge(cost=0, markup_percent=Decimal(20), surcharge=50_000) == 0


def test_a_charge_is_rounded_once_to_four_places() -> None:
    assert user_charge(cost=13_100, markup_percent=Decimal("12.5"), surcharge=0) == 14_700


# --- Length does not matter ------------------------------------------------------------------------


def test_the_length_of_a_call_adds_no_work() -> None:
    """A call of thirty years in one-second increments: a loop over them would never end."""
    made = flat(step("0.06", 1), step("0.03", "0.001", start=60))
    years = timedelta(days=30 * 365)

    found = made.price(
        digits="39", answered_ms=epoch_ms(BEFORE_SEVEN), talk_ms=years // timedelta(milliseconds=1)
    )

    assert isinstance(found, Priced)
    assert found.cost == 60_000 + (30 * 365 * 86_400 - 60) * 500


def test_the_zone_of_the_server_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = cost(compiled(peak_tariff(60)), 240, digits="4930", at=BEFORE_SEVEN)
    try:
        for zone in ("America/Los_Angeles", "Pacific/Apia", "Asia/Kathmandu"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            made = compiled(peak_tariff(60))
            assert cost(made, 240, digits="4930", at=BEFORE_SEVEN) == expected == "0.84"
    finally:
        monkeypatch.undo()
        time.tzset()
