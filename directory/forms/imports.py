"""Files that administrators bring: checked for size and kind before anything reads them."""

from __future__ import annotations

import unicodedata
from pathlib import PurePath
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MOST_PEOPLE_BYTES = 32 * 1024 * 1024
NAME_LENGTH = 120
PACKED = b"PK\x03\x04"
OLD_EXCEL = b"\xd0\xcf\x11\xe0"


def shown_name(name: str) -> str:
    """The uploader's name of a file, for showing only: last part, no control characters."""
    last = PurePath(name.replace("\\", "/")).name
    plain = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C")
    return plain.strip()[-NAME_LENGTH:] or "file"


def check_size(file: UploadedFile, *, most: int, has_command: bool) -> None:
    """Refuse what is larger than `most` bytes; `has_command`: a command takes larger ones.

    Raises:
        ValidationError: with the limit in words, and what to do.
    """
    if (file.size or 0) <= most:
        return
    if has_command:
        words = _(
            "The file is larger than %(limit)s MB. Split it, or import it on the command line."
        )
    else:
        words = _("The file is larger than %(limit)s MB. Split it.")
    raise forms.ValidationError(words % {"limit": most // 1024 // 1024})


def beginning_of(file: UploadedFile) -> bytes:
    """The first bytes of a file, without taking them away from whoever reads it next."""
    head: bytes = file.read(4096)
    file.seek(0)
    return head


class LinesField(forms.FileField):
    """A file of lines, of at most `most` bytes; a workbook is refused with what to do instead.

    `has_command` says that a command imports such files too, and larger ones.
    """

    widget = forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv,text/plain"})
    default_error_messages = {
        "required": gettext_lazy("Choose a file first."),
        "empty": gettext_lazy("The file is empty. Did the export end too early?"),
    }

    def __init__(self, *, most: int, has_command: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.most = most
        self.has_command = has_command

    def clean(self, data: Any, initial: Any = None) -> UploadedFile:
        file: UploadedFile = super().clean(data, initial)
        check_size(file, most=self.most, has_command=self.has_command)
        if beginning_of(file).startswith((PACKED, OLD_EXCEL)):
            raise forms.ValidationError(
                _("This is an Excel workbook. Save it there as “CSV UTF-8” and choose that file.")
            )
        return file


class PeopleFileForm(forms.Form):
    """A people file (docs/people-import.md)."""

    file = LinesField(
        label=gettext_lazy("People file (CSV)"),
        help_text=gettext_lazy(
            "Commas, semicolons or tabs; UTF-8, UTF-16 or Windows text; 32 MB at most."
        ),
        most=MOST_PEOPLE_BYTES,
        has_command=True,
    )
