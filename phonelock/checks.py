"""What must be true of the settings of locks before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from phonelock.queries.switches import driver_class, driver_names


@register()
def lock_settings(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Every lock driver can be imported, every trusted proxy is an address."""
    return [*_drivers(), *_proxies()]


def _drivers() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for name in sorted(driver_names()):
        try:
            driver_class(name)
        except (ImportError, LookupError) as flaw:
            found.append(
                Error(f"lock driver {name!r} cannot be loaded: {flaw}", id="phonelock.E001")
            )
    return found


def _proxies() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for proxy in settings.TRUSTED_PROXIES:
        try:
            ip_network(proxy, strict=False)
        except ValueError:
            hint = "an address, or a network such as 10.0.0.0/8"
            found.append(Error(f"TRUSTED_PROXIES: {proxy!r} is not {hint}", id="phonelock.E002"))
    return found
