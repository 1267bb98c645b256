"""Random tariffs, moments around clock changes, and lengths of calls, for hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from tests.support.tariffs import Document, band, destination, step, tariff

CHANGES = [
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
    datetime(2026, 4, 4, 15, 0, tzinfo=UTC),
    datetime(2026, 1, 6, 0, 0, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 0, tzinfo=UTC),
]

prices = st.builds(lambda n, p: str(Decimal(n).scaleb(-p)), st.integers(0, 3000), st.integers(2, 5))
amounts = st.builds(lambda n: str(Decimal(n).scaleb(-2)), st.integers(0, 300))
increments = st.sampled_from([1, 6, 7, 30, 60, 90, 180, "0.5", "1.25"])


@st.composite
def step_lists(draw: st.DrawFn) -> list[Document]:
    starts = sorted({0, *draw(st.lists(st.integers(1, 900), max_size=3))})
    per = st.sampled_from([60, 60, 1, 7])
    return [step(draw(prices), draw(increments), per=draw(per), start=start) for start in starts]


times = st.sampled_from(["00:00", "02:30", "03:00", "08:00", "18:30", "22:00", "23:59:30"])


@st.composite
def bands(draw: st.DrawFn, *, weight: int, bounded: bool = True) -> Document:
    made = band(
        *draw(step_lists()),
        connect_fee=draw(amounts),
        free_seconds=draw(st.sampled_from([0, 0, 0, 30, "45.5", 300])),
        grace_seconds=draw(st.sampled_from([0, 0, 0, 5, 61])),
        minimum_charge=draw(st.none() | amounts),
        weight=weight,
    )
    if bounded and draw(st.booleans()):
        made["maximum_charge"] = draw(amounts)
        made["at_maximum"] = draw(st.sampled_from(["free", "disconnect"]))
    if weight:
        made["from"], made["to"] = draw(times), draw(times)
        made["days"] = draw(st.none() | st.lists(st.integers(1, 7), min_size=1, max_size=5))
        made["holiday"] = draw(st.sampled_from([None, None, True, False]))
    return made


@st.composite
def tariffs(draw: st.DrawFn, *, bounded: bool = True, decimals: int | None = None) -> Document:
    count = draw(st.integers(1, 3))
    floor = 0 if draw(st.booleans()) else 1
    rounding = {
        "mode": draw(st.sampled_from(["half_up", "half_even", "up", "down"])),
        "decimals": draw(st.integers(0, 6)) if decimals is None else decimals,
    }
    return tariff(
        destination(
            "39", *(draw(bands(weight=floor + index, bounded=bounded)) for index in range(count))
        ),
        timezone=draw(st.sampled_from(["Europe/Rome", "Australia/Lord_Howe", "Asia/Kathmandu"])),
        holidays=draw(st.sampled_from([None, "IT"])),
        band_rule=draw(st.sampled_from(["answer", "split"])),
        rounding=rounding,
    )


moments = st.builds(
    lambda around, ms: around + timedelta(milliseconds=ms),
    st.sampled_from(CHANGES),
    st.integers(-30_000_000, 30_000_000),
)
talks = st.one_of(
    st.integers(0, 400_000),
    st.integers(0, 400).map(lambda seconds: seconds * 1000),
    st.integers(0, 5_000_000),
)
