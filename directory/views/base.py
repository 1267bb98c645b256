"""What every page stands on: who may open it, and whose rows it gets to see.

A page never asks for rows by itself: it takes the request's one scope
(`request.directory_scope`, set by the middleware) and hands it to a query. So a
foreign row is not refused but not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

from django.contrib import messages
from django.contrib.auth.mixins import AccessMixin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import Resolver404, resolve
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import TemplateView

from directory.models import Role, User
from directory.roles import OVERSEERS, role_of
from kernel.errors import DomainError

PAGE_SIZES = (10, 20, 50, 100)


class SignInFirst(AccessMixin):
    """Sends strangers to sign in, and afterwards to where they wanted to go.

    Whose sign-in ran out while a form was open is told that nothing was done; he comes
    back to the page with the form, because what he sent cannot be asked for as a page.
    """

    request: HttpRequest

    def handle_no_permission(self) -> HttpResponseRedirect:
        if self.request.user.is_authenticated or self.request.method in ("GET", "HEAD"):
            return super().handle_no_permission()
        messages.warning(
            self.request,
            _("You were signed out meanwhile. Nothing was changed; sign in and send it again."),
        )
        return redirect_to_login(page_to_go_back_to(self.request))


class SignedIn(SignInFirst, View):
    """A page for people who are signed in and whose role is among `roles`.

    Strangers are sent to sign in; a role that does not belong here is refused
    with 403.
    """

    roles: ClassVar[frozenset[Role]] = frozenset(Role)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        role = role_of(request.user)
        if role is None:
            return self.handle_no_permission()
        if role not in self.roles:
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    @property
    def reader(self) -> User:
        """The person who looks at the page."""
        assert isinstance(self.request.user, User)  # noqa: S101 - dispatch let nobody else in
        return self.request.user


class OverseersOnly(SignedIn):
    """Supervisors, administrators and auditors: people who look at others' rows."""

    roles = OVERSEERS


class AdministratorsOnly(SignedIn):
    """The set-up and the works of the installation."""

    roles = frozenset({Role.ADMIN})


class ScopedPage(SignedIn, TemplateView):
    """A page that shows something. `http_method_names` keeps a GET harmless."""

    http_method_names = ["get", "head", "options"]


class ScopedAction(SignedIn):
    """A page that does one thing by POST and goes back to where it was asked.

    Subclasses override `act` and return the words for success; a refusal
    (`DomainError`) becomes a message, never a 500.
    """

    http_method_names = ["post", "options"]
    back_to: ClassVar[str | Promise] = "/"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            words = self.act(request, **kwargs)
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, words)
        return HttpResponseRedirect(self.way_back(request))

    def act(self, request: HttpRequest, **kwargs: Any) -> str:
        """Do it and say what was done.

        Raises:
            DomainError: if it is refused; the text is shown.
        """
        raise NotImplementedError

    def way_back(self, request: HttpRequest) -> str:
        """The page named by `next`, if it is ours; else `back_to`."""
        return page_it_was_on(request) or str(self.back_to)


def page_it_was_on(request: HttpRequest) -> str:
    """The page of ours that a form names as `next`; empty where it names none, or a foreign one."""
    target = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts=None, require_https=request.is_secure()
    )
    return target if ours and target.startswith("/") else ""


def page_to_go_back_to(request: HttpRequest) -> str:
    """The page that a form was on: as it says, or the browser does, or its own address; else home."""
    referer = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(referer, allowed_hosts={request.get_host()})
    came_from = urlsplit(referer)
    before = urlunsplit(("", "", came_from.path, came_from.query, "")) if is_ours else ""
    candidates = (page_it_was_on(request), before, request.get_full_path())
    return next((address for address in candidates if _can_be_looked_at(address)), "/")


def _can_be_looked_at(address: str) -> bool:
    """Whether there is a page of that address, and not only something to be sent there."""
    try:
        view = getattr(resolve(urlsplit(address).path).func, "view_class", None)
    except Resolver404:
        return False
    return view is None or (hasattr(view, "get") and "get" in view.http_method_names)


def page_of(
    request: HttpRequest, rows: QuerySet[Any] | Sequence[Any], *, size: int = 10
) -> Page[Any]:
    """The page of `size` rows that the address asks for; a wrong number gives the nearest one.

    How many rows the reader wants is `directory.preferences.remembered_size`.
    """
    return Paginator(rows, size).get_page(request.GET.get("page"))
