"""The locks of phones for other programs: read only, in scope."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from directory.api.base import PageQuery, ScopedView
from directory.scoping import people_visible_to
from phonelock.api.serializers import PhonePageSerializer, PhoneSerializer
from phonelock.queries.people import with_phones


class PhonesView(ScopedView):
    """The phones of the people in scope, in the order of the people."""

    query_class = PageQuery

    @extend_schema(
        operation_id="phones_list", parameters=[PageQuery], responses=PhonePageSerializer
    )
    def get(self, request: Request) -> Response:
        """`limit` counts people: somebody may have several phones, or none."""
        words = self.words()
        scope = self.scope
        people = people_visible_to(scope).order_by("pk")
        cursor = words.get("cursor", "")
        if cursor.isdecimal():
            people = people.filter(pk__gt=int(cursor))
        found = list(people[: words["limit"] + 1])
        has_more = len(found) > words["limit"]
        found = found[: words["limit"]]
        rows = [row for row in with_phones(found, at=scope.at) if row.phone is not None]
        return self.page(
            PhoneSerializer(rows, many=True).data, cursor=found[-1].pk if has_more else None
        )
