"""What the pages of second factors need: a picture to scan, and words for security keys."""

from __future__ import annotations

import json

import qrcode
from allauth.mfa.models import Authenticator
from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from directory.models import User

register = template.Library()

QUIET_ZONE = 4


@register.simple_tag
def qr(text: str) -> SafeString:
    """`text` as a picture to scan: dark squares on white, in any look of the page."""
    code = qrcode.QRCode(border=QUIET_ZONE)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    squares = "".join(
        f"M{column} {line}h1v1h-1z"
        for line, row in enumerate(rows)
        for column, is_dark in enumerate(row)
        if is_dark
    )
    return format_html(
        '<svg viewBox="0 0 {0} {0}" shape-rendering="crispEdges" aria-hidden="true">'
        '<rect width="{0}" height="{0}" fill="#fff"/><path d="{1}" fill="#000"/></svg>',
        len(rows),
        squares,
    )


@register.simple_tag
def has_an_app(user: User) -> bool:
    """Whether `user` may type the digits of an authenticator app; else a key is his factor."""
    is_app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP)
    return bool(is_app.exists())


@register.filter
def json_text(value: object) -> str:
    """`value` as JSON, for an attribute (where it is escaped like any text)."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.simple_tag
def key_scripts() -> SafeString:
    """The scripts that speak to security keys; files of this site, as every script is."""
    return format_html(
        '<script src="{}" defer></script><script src="{}" defer></script>',
        static("mfa/js/webauthn-json.js"),
        static("security-keys.js"),
    )
