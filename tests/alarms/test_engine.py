"""Addresses, answers, waits and figures: the rules without a database."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from alarms.engine import figures
from alarms.engine.addresses import BadAddress, one_address, one_line
from alarms.engine.retries import life_of, wait_after
from alarms.engine.verdicts import Reply, Stage, Verdict, judge
from directory.engine.locales import calendar_locale, locale_of


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nobody",
        "a@x.org, b@y.org",
        "a@x.org b@y.org",
        "a@x.org\r\nBcc: b@y.org",
        "a@x.org\n",
        "Mario <a@x.org>",
        '"a b"@x.org',
        "a@",
        "@x.org",
        "a@x..org",
        "a@-x.org",
        "a" * 65 + "@x.org",
        "a@" + "x" * 300,
        "a@x.org\x00",
    ],
)
def test_anything_but_one_plain_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        one_address(text)


def test_an_address_is_lower_case_with_its_domain_in_ascii() -> None:
    assert one_address(" Mario.Rossi@Büro.Example ") == "mario.rossi@xn--bro-hoa.example"


@given(st.text())
def test_an_address_that_is_taken_cannot_break_out_of_a_header(text: str) -> None:
    try:
        address = one_address(text)
    except BadAddress:
        return

    assert address.isascii()
    assert not set(address) & set(" \r\n\t,;<>()\"'\\") - {"'"}
    assert address.count("@") == 1


@given(st.text(max_size=400))
def test_one_line_is_one_line_and_not_too_long(text: str) -> None:
    line = one_line(text)

    assert len(line.splitlines()) <= 1
    assert len(line) <= 200
    assert "\x00" not in line
    assert "\u202e" not in line


def test_waits_are_1_5_15_60_minutes_then_hourly_for_24_hours() -> None:
    waits: list[timedelta] = []
    while (wait := wait_after(len(waits) + 1)) is not None:
        waits.append(wait)

    assert [wait.total_seconds() / 60 for wait in waits[:6]] == [1, 5, 15, 60, 60, 60]
    assert set(waits[4:]) == {timedelta(hours=1)}
    total = sum(waits, timedelta())
    assert timedelta(hours=23) < total <= timedelta(hours=24)


def test_a_wait_after_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        wait_after(0)


def test_a_threshold_is_worth_a_day_and_an_end_of_period_a_week() -> None:
    assert life_of("threshold") == timedelta(hours=24)
    assert life_of("end_period") == timedelta(days=7)


@pytest.mark.parametrize(
    ("stage", "code", "text", "verdict", "is_hard_bounce"),
    [
        (Stage.DATA, 250, "OK", Verdict.ACCEPTED, False),
        (Stage.RECIPIENT, 451, "greylisted", Verdict.LATER, False),
        (Stage.DATA, 452, "4.3.1 disk full", Verdict.LATER, False),
        (Stage.RECIPIENT, 421, "closing", Verdict.SERVER_AWAY, False),
        (Stage.DATA, 421, "closing", Verdict.SERVER_AWAY, False),
        (Stage.SENDER, 550, "sender rejected", Verdict.SERVER_AWAY, False),
        (Stage.SENDER, 452, "too busy", Verdict.SERVER_AWAY, False),
        (Stage.RECIPIENT, 550, "no such user", Verdict.REFUSED, True),
        (Stage.RECIPIENT, 550, "5.1.1 no such user", Verdict.REFUSED, True),
        (Stage.RECIPIENT, 550, "5.7.1 relaying denied", Verdict.REFUSED, False),
        (Stage.DATA, 554, "5.6.0 looks like spam", Verdict.REFUSED, False),
        (Stage.DATA, 554, "no thanks", Verdict.REFUSED, False),
        (Stage.DATA, 550, "no such user", Verdict.REFUSED, True),
        (Stage.DATA, 550, "5.1.1 no such user", Verdict.REFUSED, True),
        (Stage.DATA, 550, "5.7.1 policy", Verdict.REFUSED, False),
    ],
)
def test_an_answer_means(
    stage: Stage, code: int, text: str, verdict: Verdict, is_hard_bounce: bool
) -> None:
    judgement = judge(Reply(stage=stage, code=code, text=text))

    assert judgement.verdict is verdict
    assert judgement.is_hard_bounce is is_hard_bounce


@pytest.mark.parametrize(
    ("language", "zone", "amount", "share", "day"),
    [
        ("en", "America/Chicago", "€1,234.50", "82%", "March 31, 2026"),
        ("en", "Europe/Rome", "€1,234.50", "82%", "31 March 2026"),
        ("de", "Europe/Rome", "1.234,50\xa0€", "82\xa0%", "31. März 2026"),
        ("it", "Europe/Rome", "1.234,50\xa0€", "82%", "31 marzo 2026"),
        ("xx", "UTC", "€1,234.50", "82%", "31 March 2026"),
    ],
)
def test_figures_are_written_as_the_reader_writes_them(
    language: str, zone: str, amount: str, share: str, day: str
) -> None:
    locale, calendar = locale_of(language), calendar_locale(language, zone)

    assert figures.money(1_234_500_000, currency="EUR", locale=locale) == amount
    assert figures.share(8_299, 10_000, locale=locale) == share
    assert figures.day(date(2026, 3, 31), locale=calendar) == day


def test_an_amount_keeps_the_places_it_has() -> None:
    assert figures.money(80_405_000, currency="EUR", locale=Locale("en")) == "€80.405"
    assert figures.money(100_000_000, currency="EUR", locale=Locale("en")) == "€100.00"


def test_a_minus_stays_before_its_figure_in_an_arabic_mail() -> None:
    written = figures.money(-1_250_000, currency="EUR", locale=Locale("ar"))

    assert written == "\u2066-1.25\xa0€\u2069"


def test_a_share_is_rounded_down_and_of_nothing_the_first_cent_is_all() -> None:
    assert figures.share(9_999, 10_000, locale=Locale("en")) == "99%"
    assert figures.share(1, 0, locale=Locale("en")) == "100%"
    assert figures.share(0, 0, locale=Locale("en")) == "0%"


def test_minutes_are_written_with_their_unit() -> None:
    assert figures.minutes(90_500, locale=Locale("en")) == "1.5 min"
    assert figures.minutes(7_200_000, locale=Locale("de")) == "120 Min."
