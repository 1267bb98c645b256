"""Files given to the set-up's pages, kept from a Test to the saving: one of each kind."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from kernel.errors import DomainError

FOLDER: Final = "setup"
MAX_BYTES: Final = 64 * 1024 * 1024
LONGEST_NAME: Final = 120
FLAW: Final = ".flaw"
_ODD = re.compile(r"[^\w.-]+", re.ASCII)

Kind = Literal["sample", "tariff", "people"]


class BadFile(DomainError):
    """The file cannot be taken at all."""

    code = "bad_file"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that somebody gave us to look at."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def flaw(self) -> str:
        """Why it could not be used when it was tried last; empty if it could, or nobody tried."""
        path = self.path.with_name(FLAW)
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def read(self) -> bytes:
        return self.path.read_bytes()


def _folder(kind: Kind) -> Path:
    return Path(settings.DATA_DIR, FOLDER, kind)


def kept_file(kind: Kind) -> KeptFile | None:
    """The file of that kind that was given last; None if there is none."""
    folder = _folder(kind)
    if not folder.is_dir():
        return None
    kept = (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))
    return next((KeptFile(path) for path in kept if path.is_file()), None)


def keep_file(kind: Kind, file: UploadedFile) -> KeptFile:
    """Keep an uploaded file, readable by us only, in place of the one before.

    Raises:
        BadFile: if it is empty or too large.
    """
    if not file.size:
        raise BadFile(_("The file is empty."))
    if file.size > MAX_BYTES:
        raise BadFile(_("The file is larger than 64 MB; give a smaller one to try with."))
    name = _ODD.sub("-", Path(file.name or "").name).lstrip("._-")[-LONGEST_NAME:] or kind
    folder = _folder(kind)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = folder / f".{uuid4().hex}.part"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as target:
        for chunk in file.chunks():
            target.write(chunk)
    for old in folder.iterdir():
        if old != fresh:
            old.unlink(missing_ok=True)
    fresh.replace(folder / name)
    return KeptFile(folder / name)


def note_flaw(kind: Kind, why: str) -> None:
    """Remember why the kept file cannot be used; empty when it can. Another file begins afresh."""
    kept = kept_file(kind)
    if kept is None:
        return
    path = kept.path.with_name(FLAW)
    if why:
        path.write_text(why, encoding="utf-8")
    else:
        path.unlink(missing_ok=True)


def forget_file(kind: Kind) -> None:
    """The file has served its turn."""
    kept = kept_file(kind)
    if kept is not None:
        kept.path.unlink(missing_ok=True)
