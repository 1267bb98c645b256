"""What must be true of the settings before anything starts."""

from __future__ import annotations

from collections.abc import Sequence

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error

from cdr.drivers.base import CallDriver
from cdr.queries.drivers import UnknownDriver, driver_class, driver_names


def call_drivers_resolve(
    app_configs: Sequence[AppConfig] | None, **_: object
) -> list[CheckMessage]:
    """Every call driver named in the settings or by an installed package can be loaded."""
    del app_configs
    found: list[CheckMessage] = []
    for name in driver_names():
        try:
            driver = driver_class(name)
        except UnknownDriver as error:
            found.append(Error(error.message, id="cdr.E001"))
            continue
        lacking = [
            part
            for part in ("title", "can_be_tailed", "wants", "sequence_of", "is_whole", "read")
            if not hasattr(driver, part)
        ]
        if lacking:
            hint = f"see {CallDriver.__module__}.{CallDriver.__name__}"
            text = f"call driver {name} has no {', '.join(lacking)}"
            found.append(Error(text, hint=hint, id="cdr.E002"))
    return found
