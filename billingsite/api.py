"""The programming interface, version 1: each app's addresses, the schema and its page."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView

from billingsite.api_words import explained
from directory.views.base import ScopedPage

METHODS = ("get", "post", "put", "patch", "delete")


class Docs(ScopedPage):
    """The interface for people, written from the schema itself; needs no script."""

    template_name = "api/docs.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        generator: Any = SchemaGenerator  # the library has no types here
        with translation.override("en"):  # as it is for programs; `explained` translates
            schema = generator().get_schema(request=None, public=True)
        operations = [
            {
                "method": method.upper(),
                "path": address,
                "text": _plain(operation),
                "parameters": [
                    {
                        "name": parameter["name"],
                        "place": parameter["in"],
                        "type": parameter["schema"].get("type", ""),
                        "text": _plain(parameter),
                    }
                    for parameter in operation.get("parameters", [])
                ],
                "answer": _answer(operation),
            }
            for address, item in schema["paths"].items()
            for method, operation in item.items()
            if method in METHODS
        ]
        schemas = [
            {
                "name": name,
                "text": _plain(body),
                "fields": [
                    {
                        "name": field,
                        "type": _type(about),
                        "text": _plain(about),
                    }
                    for field, about in body.get("properties", {}).items()
                ],
            }
            for name, body in schema.get("components", {}).get("schemas", {}).items()
        ]
        return super().get_context_data(operations=operations, schemas=schemas, **kwargs)


def _plain(about: dict[str, Any]) -> str:
    """A description in the reader's language, without the marks of Markdown in the schema."""
    text = str(about.get("description", "")).replace("`", "")
    return explained("\n".join(line.strip().removeprefix("* ") for line in text.splitlines()))


def _answer(operation: dict[str, Any]) -> str:
    """The name of what a good answer is made of."""
    content = operation["responses"].get("200", {}).get("content", {})
    reference: str = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    return reference.rpartition("/")[2]


def _type(about: dict[str, Any]) -> str:
    if about.get("type") == "array":
        return f"list of {_type(about['items'])}"
    reference: str = about.get("$ref", "")
    return reference.rpartition("/")[2] or str(about.get("format") or about.get("type", ""))


urlpatterns = [
    path("", include("directory.api.urls")),
    path("", include("cdr.api.urls")),
    path("", include("budgets.api.urls")),
    path("", include("phonelock.api.urls")),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", Docs.as_view(), name="api-docs"),
]
