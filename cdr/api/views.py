"""Calls for other programs: read only, in scope, masked."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from cdr.api.serializers import (
    CallDetailSerializer,
    CallPageSerializer,
    CallQuery,
    CallSerializer,
)
from cdr.queries.calls import CallFilter, Cursor, find_call, list_calls, listed_all
from cdr.queries.explanations import explain_call
from directory.api.base import ScopedView
from directory.pace import count_number_search
from directory.reader import page_zone
from kernel.clock import now


class CallsView(ScopedView):
    """The calls in scope, newest first."""

    query_class = CallQuery

    @extend_schema(operation_id="calls_list", parameters=[CallQuery], responses=CallPageSerializer)
    def get(self, request: Request) -> Response:
        words = self.words()
        if words.get("number"):
            count_number_search(self.scope, at=now())
        page = list_calls(
            scope=self.scope,
            wanted=CallFilter(
                zone=page_zone(),
                from_day=words.get("start"),
                to_day=words.get("end"),
                call_type=words.get("type", ""),
                extension=words.get("extension", ""),
                number=words.get("number", ""),
                same=words.get("same", ""),
            ),
            size=words["limit"],
            older_than=Cursor.parse(words.get("cursor", "")),
        )
        return self.page(CallSerializer(page.calls, many=True).data, cursor=page.older)


class CallView(ScopedView):
    """One call with the way to its price."""

    query_class = Serializer

    @extend_schema(operation_id="calls_read", responses=CallDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        self.words()
        scope = self.scope
        call = find_call(scope=scope, call_id=pk)
        if call is None:
            raise Http404
        explanation = explain_call(call, write_number=scope.mask_of_class)
        shown = CallSerializer(listed_all([call], scope)[0]).data
        return Response({**shown, "explanation": list(explanation.lines)})
