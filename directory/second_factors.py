"""The forms of second factors, their fields named in our words; no label stands a second time."""

from __future__ import annotations

from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

CODE_IS_RIGHT_SECONDS = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
"""allauth remembers a used code for one period only, which is less than it lets it be late."""


class _OfCode:
    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("Code")
        self.fields["code"].widget.attrs.pop("placeholder", None)

    def clean_code(self) -> str:
        """A code that is right, and was not used before for as long as it is right."""
        code: str = super().clean_code()  # type: ignore[misc]  # of the form that this is mixed into
        plain = "".join(code.split())
        key = f"second-factor-used:{self.user.pk}:{plain}"  # type: ignore[attr-defined]
        if not cache.add(key, 1, timeout=CODE_IS_RIGHT_SECONDS):
            raise get_adapter().validation_error("incorrect_code")
        return code


class _OfKey:
    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")


class CodeForm(_OfCode, AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """A code, to sign in."""


class CodeAgainForm(_OfCode, ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    """A code, before something that matters."""


class FirstCodeForm(_OfCode, ActivateTOTPForm):  # type: ignore[misc]  # allauth has no types
    """The first code of an app."""


class NewKeyForm(_OfKey, AddWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """A new security key."""


class KeyNameForm(_OfKey, EditWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """Another name for a key."""
