"""From the set-up's forms to the rows: the tables of a set-up file, written by a page.

There is one way into the rows, `billingsite.operations.apply`; a form only fills in
the tables that somebody else would write by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from billingsite.operations.apply import ApplyReport, apply_tables, store_tables
from billingsite.setup_file import SetUp, read_tables
from billingsite.setup_tables import Problems


@dataclass(slots=True)
class Draft:
    """Tables of a set-up file, and the files that they name."""

    tables: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def add(self, section: str, **values: Any) -> None:
        """One more `[[section]]`; what is None is left out."""
        given = {key: value for key, value in values.items() if value is not None}
        self.tables.setdefault(section, []).append(given)

    def add_tariff(self, name: str, document: Mapping[str, Any]) -> str:
        """Put a tariff document beside the tables; gives back the name to refer to it by."""
        file = f"{name}.json"
        self.files[file] = json.dumps(document).encode()
        return file

    def add_people(self, content: bytes) -> None:
        """Put a people file beside the tables."""
        self.files["people.csv"] = content
        self.tables["people"] = {"file": "people.csv"}

    @contextmanager
    def read(self) -> Iterator[SetUp]:
        """The tables understood, while their files lie in a folder of their own.

        Raises:
            SetUpRefused: naming every problem.
        """
        with TemporaryDirectory(prefix="setup-") as folder:
            for name, content in self.files.items():
                Path(folder, name).write_bytes(content)
            yield read_tables(self.tables, folder=Path(folder), problems=Problems(""))

    def apply(self, *, at: datetime, by: str, is_dry_run: bool = False) -> ApplyReport:
        """Bring the installation in line with the tables, all of it or nothing.

        Raises:
            SetUpRefused: naming every problem; nothing was changed then.
            FolderNotMade: if everything was stored, but a watched folder is missing.
        """
        with self.read() as set_up:
            return apply_tables(set_up, at=at, by=by, is_dry_run=is_dry_run)

    def store(self, *, at: datetime, by: str) -> ApplyReport:
        """The rows alone, inside the caller's transaction, who takes them back.

        Raises:
            SetUpRefused: naming every problem.
        """
        with self.read() as set_up:
            return store_tables(set_up, at=at, by=by)
