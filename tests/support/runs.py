"""Runs of the real commands in processes of their own, on a data folder and database of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from cdr.drivers.cucm_writer import Dialect, file_name, head_lines, record_line

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 180
TARIFF = {
    "name": "Acme",
    "currency": "GBP",
    "timezone": "Europe/London",
    "holidays": None,
    "rounding": {"mode": "half_up", "decimals": 4},
    "band_rule": "answer",
    "destinations": [
        {
            "prefix": "44",
            "area": "UK",
            "class": "national",
            "bands": [
                {
                    "connect_fee": "0.05",
                    "steps": [
                        {
                            "from_second": 0,
                            "price": "0.10",
                            "per_seconds": 60,
                            "increment_seconds": 1,
                        }
                    ],
                }
            ],
        }
    ],
}
SET_UP = """
[[site]]
name = "London"
country = "GB"
timezone = "Europe/London"
currency = "GBP"
exit_code = "9"
international_prefix = "00"
national_prefix = "0"
area_code = "20"
extensions = ["20XX"]
emergency = ["112"]
[[carrier]]
name = "Acme"
tariff = "acme.json"
[[gateway]]
site = "London"
device = "SIPTRK"
carrier = "Acme"
[[source]]
name = "london"
site = "London"
driver = "cucm"
folder = "drop/london"
[people]
file = "people.csv"
[[budget]]
for = "user:ann"
amount = "2.00"
period = "month"
thresholds = [{percent = 50, notify = ["user"]}, {percent = 100, notify = ["user", "manager"], lock = true}]
[[budget]]
for = "department:Sales"
minutes = 600
period = "week"
"""
PEOPLE = """\
username,first_name,last_name,email,language,time_zone,role,supervises,manager,department,cost_centre,office,site,partition,extension,valid_from
ann,Ann,Ash,ann@example.com,en,,user,,bea,Sales,4711,London,London,PT,2001,
ben,Ben,Birch,ben@example.com,en,,user,,bea,Sales,4711,London,London,PT,2002,
bea,Bea,Beech,bea@example.com,en,,supervisor,department:Sales,,Sales,4711,London,London,PT,2003,
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """A data folder, and a database that is in it or on the PostgreSQL server of the run."""

    folder: Path
    database: str = ""

    def run(
        self, *arguments: str, env: Mapping[str, str] | None = None, fails: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a management command; its exit code must be 0 unless `fails`."""
        return self._python([str(ROOT / "manage.py"), *arguments], env or {}, fails=fails)

    def run_all(self, *commands: str) -> subprocess.CompletedProcess[str]:
        """Run several commands without arguments in one process; the first that fails ends it."""
        calls = "".join(f"call_command({name!r});" for name in commands)
        code = (
            "import django; django.setup();"
            f"from django.core.management import call_command; {calls}"
        )
        return self._python(["-c", code], {"DJANGO_SETTINGS_MODULE": "billingsite.settings"})

    def _python(
        self, arguments: Sequence[str], env: Mapping[str, str], *, fails: bool = False
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment(env),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if not fails and done.returncode != 0:
            raise AssertionError(f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DATABASE_URL", "EMAIL_URL", "TOLLGATE_CRASH"}
        }
        if self.database:
            kept["DATABASE_URL"] = self.database
        return kept | {
            "DATA_DIR": str(self.folder),
            "SETTLE_SECONDS": "0",
            "MINER_BATCH": "4",
            **more,
        }

    def digest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("digest", "--json").stdout)
        return found

    def drop(self, name: str, records: Sequence[Mapping[str, str | int]]) -> Path:
        """Put a call file into the watched folder."""
        path = self.folder / "drop" / "london" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        dialect = Dialect()
        lines = [*head_lines(dialect), *(record_line(record, dialect) for record in records)]
        path.write_text("\n".join(lines), encoding="utf-8")
        return path


def _server() -> str:
    return os.environ.get("DATABASE_URL", "")


def _database(name: str, *, template: str = "") -> str:
    """A fresh database on the server of the run, a copy of `template` if given."""
    server = _server()
    if not server.startswith("postgres"):
        return ""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        copied = f' TEMPLATE "{template}"' if template else ""
        connection.execute(f'CREATE DATABASE "{name}"{copied}')
    return server.rpartition("/")[0] + f"/{name}"


def bare(folder: Path, *, name: str) -> Installation:
    """An installation of nobody."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Installation(folder, _database(f"{name}_{os.getpid()}"))
    made.run("migrate", "--verbosity", "0")
    return made


def install(folder: Path, *, name: str = "runs_template") -> Installation:
    """An installation of a small London company, set up by `apply`."""
    made = bare(folder, name=name)
    papers = folder / "papers"
    papers.mkdir()
    (papers / "acme.json").write_text(json.dumps(TARIFF), encoding="utf-8")
    (papers / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (papers / "setup.toml").write_text(SET_UP, encoding="utf-8")
    made.run("apply", str(papers / "setup.toml"))
    return made


def copy_of(made: Installation, folder: Path, *, name: str) -> Installation:
    """The same installation again, folder and database."""
    shutil.copytree(made.folder, folder)
    template = urlsplit(made.database).path.lstrip("/") if made.database else ""
    return Installation(folder, _database(f"{name}_{os.getpid()}", template=template))


def forget(made: Installation) -> None:
    """Drop the database of an installation; its folder is pytest's to remove."""
    if made.database:
        with psycopg.connect(_server(), autocommit=True) as connection:
            name = urlsplit(made.database).path.lstrip("/")
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def outgoing(
    number: int, *, at: datetime, talk: int = 60, extension: str = "2001"
) -> dict[str, str | int]:
    """A Cisco record of an outgoing call answered after 5 seconds."""
    begun = int(at.timestamp())
    return {
        "cdrRecordType": 1,
        "globalCallID_callManagerId": 1,
        "globalCallID_callId": number,
        "origLegCallIdentifier": 10_000 + 2 * number,
        "destLegIdentifier": 10_001 + 2 * number,
        "destSpan": 10_001 + 2 * number,
        "OutgoingProtocolID": 1,
        "dateTimeOrigination": begun,
        "dateTimeConnect": begun + 5,
        "dateTimeDisconnect": begun + 5 + talk,
        "callingPartyNumber": extension,
        "callingPartyNumberPartition": "PT",
        "originalCalledPartyNumber": f"90207946{number:04d}",
        "finalCalledPartyNumber": f"90207946{number:04d}",
        "origDeviceName": f"SEP{extension}",
        "destDeviceName": "SIPTRK",
        "finalCalledPartyPattern": "9.0[1-9]!",
        "pkid": f"00000000-0000-0000-0000-{number:012d}",
        "globalCallId_ClusterID": "London",
    }


def transfer(number: int, *, at: datetime) -> list[dict[str, str | int]]:
    """Three records: 2002 is called from outside, dials a mobile, joins the two."""
    begun = int(at.timestamp())
    common: dict[str, str | int] = {
        "cdrRecordType": 1,
        "globalCallID_callManagerId": 1,
        "globalCallId_ClusterID": "London",
    }
    caller: dict[str, str | int] = {
        "origLegCallIdentifier": 900_000 + 10 * number,
        "origSpan": 900_000 + 10 * number,
        "IncomingProtocolID": 1,
        "callingPartyNumber": "02079460001",
        "origDeviceName": "SIPTRK",
    }
    mobile: dict[str, str | int] = {
        "destLegIdentifier": 900_003 + 10 * number,
        "destSpan": 900_003 + 10 * number,
        "OutgoingProtocolID": 1,
        "originalCalledPartyNumber": "907700900199",
        "finalCalledPartyNumber": "907700900199",
        "destDeviceName": "SIPTRK",
        "finalCalledPartyPattern": "9.0[1-9]!",
    }
    split: dict[str, str | int] = {"origCause_value": 393216, "destCause_value": 393216}

    def when(off: int, answered: int, ended: int) -> dict[str, str | int]:
        return {
            "dateTimeOrigination": begun + off,
            "dateTimeConnect": begun + answered,
            "dateTimeDisconnect": begun + ended,
            "pkid": f"00000000-0000-0000-{off:04d}-{number:012d}",
        }

    return [
        common
        | caller
        | split
        | when(0, 5, 50)
        | {
            "globalCallID_callId": number,
            "destLegIdentifier": 900_001 + 10 * number,
            "originalCalledPartyNumber": "2002",
            "finalCalledPartyNumber": "2002",
            "finalCalledPartyNumberPartition": "PT",
            "destDeviceName": "SEP2002",
        },
        common
        | mobile
        | split
        | when(30, 38, 50)
        | {
            "globalCallID_callId": number + 1,
            "origLegCallIdentifier": 900_002 + 10 * number,
            "callingPartyNumber": "2002",
            "callingPartyNumberPartition": "PT",
            "origDeviceName": "SEP2002",
        },
        common
        | caller
        | mobile
        | when(50, 50, 350)
        | {
            "globalCallID_callId": number,
            "joinOnBehalfOf": 10,
            "lastRedirectRedirectReason": 4,
            "lastRedirectDn": "5000",
        },
    ]


def busy_hour(made: Installation, *, now: datetime | None = None) -> list[Path]:
    """Three files of calls of the last hours: they spend Ann's budget and lock her phone."""
    now = now or datetime.now(UTC)
    hour_ago = now - timedelta(hours=1)
    first = [outgoing(n, at=hour_ago + timedelta(minutes=n), talk=200) for n in range(1, 7)]
    second = transfer(500, at=hour_ago)
    third = [*first[2:], outgoing(8, at=now - timedelta(minutes=5), talk=900)]
    return [
        made.drop(file_name(cluster="London", node=1, at=hour_ago, number=n), records)
        for n, records in enumerate((first, second, third), start=1)
    ]
