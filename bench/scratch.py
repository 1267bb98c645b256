"""A database and a data folder of their own for one benchmark, thrown away at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVER = os.environ.get("BENCH_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
NAME = os.environ.get("BENCH_DATABASE_NAME", "tollgate_bench")


def has_postgres() -> bool:
    """Whether a PostgreSQL server answers at BENCH_POSTGRES_URL."""
    try:
        import psycopg

        with psycopg.connect(SERVER, connect_timeout=2):
            return True
    except (ImportError, OSError) as _:
        return False
    except Exception as error:  # noqa: BLE001 - any refusal means: not there for us
        sys.stderr.write(f"no PostgreSQL: {error}\n")
        return False


def _recreate() -> str:
    import psycopg

    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {NAME}")
    return SERVER.rpartition("/")[0] + f"/{NAME}"


@contextmanager
def django_on(vendor: str) -> Iterator[Path]:
    """Set Django up on a fresh database of `vendor` (``postgresql`` or ``sqlite``)."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    os.environ["DATA_DIR"] = str(folder)
    os.environ["SETTLE_SECONDS"] = "0"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billingsite.settings")
    os.environ.pop("DATABASE_URL", None)
    if vendor == "postgresql":
        os.environ["DATABASE_URL"] = _recreate()
    sys.path.insert(0, str(ROOT))
    try:
        import django
        from django.core.management import call_command
        from django.db import connection

        django.setup()
        call_command("migrate", verbosity=0)
        yield folder
        connection.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def each_in_its_process(script: str, *arguments: tuple[str, ...]) -> int:
    """Run `script` once per tuple of arguments, each in a fresh process; worst exit code."""
    worst = 0
    for given in arguments:
        done = subprocess.run([sys.executable, script, *given], check=False)  # noqa: S603
        worst = max(worst, done.returncode)
    return worst
