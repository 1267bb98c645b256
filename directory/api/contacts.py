"""Phone books for other programs: read only; the reader's own and the company's."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from directory.api.base import PageQuery, ScopedView
from directory.models import Contact
from directory.scoping import contacts_visible_to

MINE, COMPANY = "mine", "company"


class ContactQuery(PageQuery):
    """Which entries."""

    book = serializers.ChoiceField(required=False, choices=[MINE, COMPANY])


class ContactSerializer(serializers.Serializer):
    """One entry. A number that its owner has only seen masked stays masked."""

    id = serializers.IntegerField()
    book = serializers.CharField(help_text="mine or company")
    name = serializers.CharField()
    number = serializers.CharField()


class ContactPageSerializer(serializers.Serializer):
    """Some entries, in the order in which they were written."""

    next = serializers.URLField(allow_null=True)
    results = ContactSerializer(many=True)


class ContactsView(ScopedView):
    """The entries of the reader's own phone book and of the company's."""

    query_class = ContactQuery

    @extend_schema(
        operation_id="contacts_list", parameters=[ContactQuery], responses=ContactPageSerializer
    )
    def get(self, request: Request) -> Response:
        words = self.words()
        rows = contacts_visible_to(self.scope).order_by("pk")
        if "book" in words:
            rows = rows.filter(owner__isnull=words["book"] == COMPANY)
        cursor = words.get("cursor", "")
        if cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18:
            rows = rows.filter(pk__gt=int(cursor))
        found = list(rows[: words["limit"] + 1])
        shown = found[: words["limit"]]
        last = shown[-1].pk if len(found) > len(shown) else None
        return self.page(
            ContactSerializer([self._written(row) for row in shown], many=True).data, cursor=last
        )

    def _written(self, row: Contact) -> dict[str, object]:
        return {
            "id": row.pk,
            "book": COMPANY if row.owner_id is None else MINE,
            "name": row.name,
            "number": self.scope.masked(row.number) if row.number_masked else row.number,
        }
