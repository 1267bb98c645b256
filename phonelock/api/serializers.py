"""Phones on the wire, field by field."""

from __future__ import annotations

from rest_framework import serializers


class PhoneSerializer(serializers.Serializer):
    """One line of a person: what is wanted, and what the phone system has confirmed."""

    username = serializers.CharField(source="user.username")
    line = serializers.CharField(source="phone.line", help_text="site/partition/extension")
    wanted = serializers.CharField(source="phone.wanted", help_text="LOCKED or UNLOCKED")
    confirmed = serializers.CharField(source="phone.confirmed", help_text="or UNKNOWN")
    is_confirmed = serializers.BooleanField(source="phone.is_confirmed")
    reason = serializers.CharField(
        source="phone.reason", allow_null=True, help_text="ADMIN, BUDGET, USER or SESSION"
    )
    since = serializers.DateTimeField(source="phone.since", allow_null=True)


class PhonePageSerializer(serializers.Serializer):
    """Some phones."""

    next = serializers.URLField(allow_null=True)
    results = PhoneSerializer(many=True)
