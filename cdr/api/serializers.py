"""Calls on the wire, field by field."""

from __future__ import annotations

from rest_framework import serializers

from cdr.models import CallType
from directory.api.base import Amount, PageQuery, Seconds
from directory.fields import SENSIBLE_DAYS


class CallQuery(PageQuery):
    """Which calls. Days are of the reader's zone, both included."""

    start = serializers.DateField(required=False, validators=SENSIBLE_DAYS)
    end = serializers.DateField(required=False, validators=SENSIBLE_DAYS)
    type = serializers.ChoiceField(required=False, choices=CallType.choices)
    extension = serializers.CharField(required=False, max_length=50)
    number = serializers.CharField(
        required=False, max_length=64, help_text="typed in full; the answer stays masked"
    )
    same = serializers.CharField(
        required=False,
        max_length=512,
        help_text="the `number_key` of a call: all calls with its number",
    )


class CallSerializer(serializers.Serializer):
    """One segment. `number` is masked for whoever has no right to more."""

    id = serializers.IntegerField()
    type = serializers.CharField(source="call_type.value", help_text="IA, IU, OA, OU, NA, …")
    site = serializers.CharField()
    partition = serializers.CharField()
    extension = serializers.CharField()
    name = serializers.CharField()
    department = serializers.CharField()
    cost_centre = serializers.CharField()
    number = serializers.CharField()
    number_key = serializers.CharField(
        help_text="stands for the number: the same number has the same key; empty if withheld"
    )
    contact = serializers.CharField(
        help_text="the number's name in a phone book, where the reader may see it; else empty"
    )
    number_class = serializers.CharField()
    area = serializers.CharField()
    gateway = serializers.CharField()
    carrier = serializers.CharField()
    started_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField()
    ring_seconds = Seconds(source="ring_ms")
    talk_seconds = Seconds(source="talk_ms")
    billed_seconds = Seconds(source="billed_ms")
    status = serializers.SerializerMethodField()
    unrated_reason = serializers.CharField()
    cost = Amount(source="cost_micros", allow_null=True)
    charge = Amount(source="charge_micros", allow_null=True)
    currency = serializers.CharField()

    def get_status(self, call: object) -> str:
        return str(getattr(call, "status", "")).lower()


class CallPageSerializer(serializers.Serializer):
    """Some calls, newest first."""

    next = serializers.URLField(allow_null=True)
    results = CallSerializer(many=True)


class CallDetailSerializer(CallSerializer):
    """One segment with the way to its price."""

    explanation = serializers.ListField(child=serializers.CharField())
