"""Which Tollgate this is. Semantic: a new address or column is a minor step."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.3.0"
