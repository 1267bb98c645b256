"""T19: a rate deck of 100,000 rows, from the file to the committed version, with preview.

Twice: a first deck, and one that moves half of its prices. The floor is the csv
module reading the same file. Without arguments on SQLite, and PostgreSQL if there.
"""

from __future__ import annotations

import csv
import io
import json
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.figures import Figure, show
from bench.scratch import django_on, each_in_its_process, has_postgres

ROWS = 100_000
TITLES = "Destination,Prefix,Rate,Connection Fee,Interval 1,Interval N,Effective Date"


def write_deck(path: Path, *, factor: int, day: str) -> None:
    """A deck of `ROWS` prefixes; every second price is multiplied."""
    chance = random.Random(6)  # noqa: S311 - the same deck every time
    prefixes = chance.sample(range(10_000, 9_999_999), ROWS)
    with path.open("w", encoding="utf-8") as deck:
        deck.write(TITLES + "\n")
        for place, prefix in enumerate(prefixes):
            price = chance.randint(50, 9_999) * (factor if place % 2 else 1)
            first = chance.choice(("60,60", "60,1", "1,1", "30,6"))
            deck.write(f"Area {prefix // 100},{prefix},{price / 10_000:.4f},0,{first},{day}\n")


def read_bare(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as deck:
        return sum(1 for _ in csv.reader(deck))


def timed_import(path: Path) -> tuple[float, float, dict[str, int]]:
    """Wall and CPU seconds, and the answer."""
    from django.core.management import call_command

    out = io.StringIO()
    start, cpu = time.perf_counter(), time.process_time()
    call_command("import_rates", str(path), "--json", carrier="Bench", stdout=out)
    spent = time.perf_counter() - start
    return spent, time.process_time() - cpu, json.loads(out.getvalue())


def measure(vendor: str) -> list[Figure]:
    with django_on(vendor) as folder:
        figures: list[Figure] = []
        for name, factor, day, expected in (
            ("first deck", 1, "2026-03-01", {"new": ROWS}),
            ("half of the prices move", 2, "2026-06-01", {"raised": ROWS // 2, "unchanged": ROWS // 2}),
        ):  # fmt: skip
            path = folder / "deck.csv"
            write_deck(path, factor=factor, day=day)
            start = time.perf_counter()
            read_bare(path)
            floor = time.perf_counter() - start
            spent, cpu, answer = timed_import(path)
            if any(answer[key] != count for key, count in expected.items()):
                raise SystemExit(f"wrong counts: {answer}")
            figures.append(
                Figure(
                    "T19" if not figures else "T19 moved",
                    f"import of {ROWS:,} rates with preview, {name}, {vendor}",
                    f"{spent:.1f} s ({cpu:.1f} s of them CPU)",
                    f"{floor:.2f} s csv reader",
                    f"{spent / floor:.0f}x",
                    "≤ 15 s",
                    spent <= 15,
                )
            )
        return figures


if __name__ == "__main__":
    if len(sys.argv) > 1:
        show(measure(sys.argv[1]))
    else:
        vendors = [("postgresql",)] if has_postgres() else []
        sys.exit(each_in_its_process(__file__, *vendors, ("sqlite",)))
