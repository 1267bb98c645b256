"""Signing in: accounts are made by administrators and imports; nobody signs up.

Whoever may not come in learns one thing only: that name and password do not fit. That
a name is unknown, an account closed or a password missing is not said.
"""

from __future__ import annotations

import itertools
import math
import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ChangePasswordForm, LoginForm
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from directory.models import User
from directory.sealing import opened, sealed
from directory.visitors import address_of

NOWHERE = "0.0.0.0"  # noqa: S104 - no socket is opened
"""What attempts by a local socket are counted by."""
_ACTION = "login_failed"
_APP = "allauth.account"
_WAYS = {
    "reauthenticate": _("Use your password"),
    "mfa_reauthenticate": _("Use a code"),
    "mfa_reauthenticate:webauthn": _("Use a security key"),
}
"""The ways to show once more who one is, by the names of allauth."""
_NO_MATCH = _("User name and password do not fit together. Check both and try again.")


class ClosedAccounts(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Sign-in only, with one answer to everything that is wrong."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _NO_MATCH,
        "account_inactive": _NO_MATCH,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Who asks, as far as our own proxies say so: attempts are counted by it."""
        return address_of(request) or NOWHERE

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """The ways to show once more who one is, each in our own words."""
        ways: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [{**way, "description": _WAYS.get(way["id"], way["description"])} for way in ways]

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The person who may sign in by these; a closed account is a failure like any other."""
        user: User | None = super().authenticate(request, **credentials)
        if user is None or user.is_active:
            return user
        self.pre_authenticate(request, **credentials)  # counted, as a wrong password is
        return None

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt.

        Raises:
            ValidationError: after too many, with the minutes to wait.
        """
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as limited:
            key = self._get_login_attempts_cache_key(request, **credentials)
            minutes = minutes_to_wait(request, key=key)
            raise ValidationError(
                ngettext(
                    "Too many attempts. Try again in %(minutes)s minute.",
                    "Too many attempts. Try again in %(minutes)s minutes.",
                    minutes,
                )
                % {"minutes": minutes},
                code="too_many_login_attempts",
            ) from limited


def minutes_to_wait(request: HttpRequest, *, key: str) -> int:
    """How long whoever tried too often has to wait, in begun minutes."""
    waits = [60.0]
    for rate in ratelimit.get_rates(app=_APP, action=_ACTION):
        name = ratelimit.get_cache_key(request, app=_APP, action=_ACTION, rate=rate, key=key)
        attempts = cache.get(name, [])  # the newest first
        if len(attempts) >= rate.amount:
            waits.append(attempts[-1] + rate.duration - time.time())
    return math.ceil(max(waits) / 60)


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth has no types
    """User name and password, spelt the way password managers expect."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name, password = self.fields["login"], self.fields["password"]
        name.label, password.label = _("User name"), _("Password")
        name.widget.attrs = {
            "autocomplete": "username",
            "autocapitalize": "none",
            "spellcheck": "false",
            "autofocus": True,
        }
        password.widget.attrs = {"autocomplete": "current-password"}
        password.help_text = ""


class NewPasswordForm(ChangePasswordForm):  # type: ignore[misc]  # allauth has no types
    """The password now, and the new one twice, in our spelling; no label stands a second time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = {
            "oldpassword": _("Current password"),
            "password1": _("New password"),
            "password2": _("New password again"),
        }
        for name, label in labels.items():
            self.fields[name].label = label
            self.fields[name].widget.attrs.pop("placeholder", None)


class SecondFactors(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Second factors under our name, their secrets encrypted in the database."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code is not right, or no longer. Take the one shown now."),
    }

    def get_totp_issuer(self) -> str:
        return "Tollgate"

    def get_totp_label(self, user: User) -> str:
        return user.get_username()

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002 - theirs
        """What a new key is called unless its owner says otherwise: the first number still free."""
        known = {str(key) for key in Authenticator.objects.filter(user=user, type=type)}
        names = (gettext("Key %(number)s") % {"number": number} for number in itertools.count(1))
        return next(name for name in names if name not in known)

    def _get_site_name(self) -> str:
        return "Tollgate"

    def encrypt(self, text: str) -> str:
        return sealed(text)

    def decrypt(self, encrypted_text: str) -> str:
        return opened(encrypted_text)
