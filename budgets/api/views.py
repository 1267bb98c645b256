"""Budgets for other programs: read only, in scope."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from budgets.api.serializers import BudgetPageSerializer, BudgetSerializer
from budgets.models import Budget
from budgets.queries.shown import budgets_counting, budgets_in, shown
from directory.api.base import PageQuery, ScopedView
from kernel.clock import now


class BudgetsBase(ScopedView):
    """The budgets that count one's own calls, and those in scope."""

    def budgets(self) -> QuerySet[Budget]:
        """They by id, so that a page has a place to go on from."""
        own = budgets_counting(self.reader, at=now()).order_by().values("pk")
        reached = Q(pk__in=own)
        if self.is_overseer:
            reached |= Q(pk__in=budgets_in(self.scope).order_by().values("pk"))
        return Budget.objects.filter(reached).order_by("pk")


class BudgetsView(BudgetsBase):
    """Budgets with their running periods."""

    query_class = PageQuery

    @extend_schema(
        operation_id="budgets_list", parameters=[PageQuery], responses=BudgetPageSerializer
    )
    def get(self, request: Request) -> Response:
        words = self.words()
        rows = self.budgets()
        cursor = words.get("cursor", "")
        if cursor.isdecimal():
            rows = rows.filter(pk__gt=int(cursor))
        found = list(rows[: words["limit"] + 1])
        has_more = len(found) > words["limit"]
        found = found[: words["limit"]]
        cards = shown(found, reader=self.reader, with_share=not self.is_overseer)
        return self.page(
            BudgetSerializer(cards, many=True).data, cursor=found[-1].pk if has_more else None
        )


class BudgetView(BudgetsBase):
    """One budget with its running period."""

    query_class = Serializer

    @extend_schema(operation_id="budgets_read", responses=BudgetSerializer)
    def get(self, request: Request, pk: int) -> Response:
        self.words()
        cards = shown(self.budgets().filter(pk=pk), reader=self.reader, with_share=True)
        if not cards:
            raise Http404
        return Response(BudgetSerializer(cards[0]).data)
