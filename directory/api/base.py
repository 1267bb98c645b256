"""What every address of the programming interface stands on.

Who asks is settled by token or session; what he may see is the same scope as on
the pages, worked out for this request; parameters that nobody defined are refused
rather than ignored, so that a mistyped filter never looks like a full answer.
"""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.utils import timezone, translation
from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from directory.models import User
from directory.reader import browser_language, zone_and_language_of
from directory.scoping import Scope, scope_of
from kernel.clock import now

FORMAT_PARAMETER = "format"


class PageQuery(serializers.Serializer):
    """How much to list, and from where on."""

    limit = serializers.IntegerField(
        min_value=1, max_value=200, default=50, help_text="rows in one answer"
    )
    cursor = serializers.CharField(
        required=False, max_length=200, help_text="from `next` of the answer before"
    )


class ScopedView(APIView):
    """Reads within the scope of whoever asks. `query_class` names the parameters allowed."""

    http_method_names = ["get", "head", "options"]
    query_class: ClassVar[type[serializers.Serializer]] = PageQuery

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.auth is None:  # a session: the pages' middleware knew who reads
            return
        zone, language = zone_and_language_of(self.reader, browser=browser_language(request))
        timezone.activate(zone)
        translation.activate(language)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Content-Language", translation.get_language())
        return answer

    @property
    def reader(self) -> User:
        """The person who asks."""
        assert isinstance(self.request.user, User)  # noqa: S101 - the permission class let only people in
        return self.request.user

    @cached_property
    def scope(self) -> Scope:
        """What he may see now; nothing, for somebody without a role."""
        scope: Scope = scope_of(self.reader, at=now())
        return scope

    @property
    def is_overseer(self) -> bool:
        """Whether he looks after others' rows as well."""
        return self.scope.sees_everything or bool(self.scope.unit_ids)

    def words(self) -> dict[str, Any]:
        """The checked parameters.

        Raises:
            ValidationError: for a parameter that nobody defined, or a value that does not fit.
        """
        given = self.request.query_params
        query = self.query_class(data=given)
        unknown = set(given) - set(query.fields) - {FORMAT_PARAMETER}
        if unknown:
            raise ValidationError({name: ["no such parameter"] for name in sorted(unknown)})
        query.is_valid(raise_exception=True)
        checked: dict[str, Any] = query.validated_data
        return checked

    def page(self, results: Any, *, cursor: object | None) -> Response:
        """An answer of several rows; `next` is the address of the following ones, or null."""
        following = None
        if cursor is not None:
            parameters = {**self.request.query_params.dict(), "cursor": str(cursor)}
            following = (
                f"{self.request.build_absolute_uri(self.request.path)}?{urlencode(parameters)}"
            )
        return Response({"next": following, "results": results})


class Amount(serializers.Field):
    """Micro-units as a decimal string with six places; null where there is no amount."""

    def to_representation(self, value: int) -> str:
        sign = "-" if value < 0 else ""
        whole, rest = divmod(abs(value), 1_000_000)
        return f"{sign}{whole}.{rest:06}"


class Seconds(serializers.Field):
    """Milliseconds as seconds with three places."""

    def to_representation(self, value: int) -> str:
        sign = "-" if value < 0 else ""
        whole, rest = divmod(abs(value), 1_000)
        return f"{sign}{whole}.{rest:03}"
