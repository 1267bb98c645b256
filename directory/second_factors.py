"""The forms of second factors, their fields named in our words; no label stands a second time."""

from __future__ import annotations

from typing import Any

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django.utils.translation import gettext_lazy as _


class _OfCode:
    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("Code")
        self.fields["code"].widget.attrs.pop("placeholder", None)


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
