"""The phone book: one's own entries and the company's, and the calls with an entry's number."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.generic import FormView, TemplateView

from cdr.columns import address_of
from cdr.forms.contacts import ContactForm
from cdr.queries.calls import calls_in
from cdr.queries.contact_numbers import number_reader
from directory.models import Contact
from directory.number_keys import number_key, number_of_key
from directory.operations.contacts import add_contact, change_contact, delete_contact
from directory.pace import count_number_search
from directory.preferences import remembered_size
from directory.queries.contacts import book_of
from directory.scoping import Scope, contacts_visible_to, may_write_contact, request_scope
from directory.views.base import PAGE_SIZES, ScopedPage, SignedIn, page_of
from kernel.clock import now
from kernel.errors import DomainError

MINE, COMPANY = "mine", "company"
MOST_SIGNS = 100
USUAL_SIZE = 20


def book_asked(request: HttpRequest) -> str:
    """Which book the address asks for."""
    return COMPANY if request.GET.get("book") == COMPANY else MINE


def book_page(book: str) -> str:
    """The address of a book."""
    query = urlencode({"book": book}) if book == COMPANY else ""
    return f"{reverse('cdr:contacts')}?{query}" if query else reverse("cdr:contacts")


def shown_number(contact: Contact, scope: Scope) -> str:
    """The number of an entry: as it was written, or masked where it was taken from a call."""
    return scope.masked(contact.number) if contact.number_masked else contact.number


class ContactsPage(ScopedPage):
    """One of the two books, looked through by name or number."""

    template_name = "cdr/contacts.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scope, book = request_scope(self.request), book_asked(self.request)
        text = self.request.GET.get("q", "").strip()[:MOST_SIGNS]
        rows = book_of(scope, is_company=book == COMPANY, text=text)
        size = remembered_size(
            self.request, "contacts", among=PAGE_SIZES, default=USUAL_SIZE, key="size"
        )
        page = page_of(self.request, rows, size=size)
        return super().get_context_data(
            book=book,
            text=text,
            page=page,
            entries=[(contact, shown_number(contact, scope)) for contact in page.object_list],
            size=size,
            sizes=PAGE_SIZES,
            may_write=may_write_contact(scope, None if book == COMPANY else scope.user_id),
            **kwargs,
        )


class ContactOfReader(SignedIn):
    """Something about one entry that the reader may see."""

    @cached_property
    def scope(self) -> Scope:
        return request_scope(self.request)

    @cached_property
    def contact(self) -> Contact:
        return get_object_or_404(contacts_visible_to(self.scope), pk=self.kwargs["pk"])

    def writable(self) -> Contact:
        """The entry, if the reader may write it.

        Raises:
            PermissionDenied: for an entry of the company, to everybody but administrators.
        """
        if not may_write_contact(self.scope, self.contact.owner_id):
            raise PermissionDenied
        return self.contact

    @property
    def book(self) -> str:
        return COMPANY if self.contact.owner_id is None else MINE


class ContactEditor(SignedIn, FormView):
    """The form of an entry; refusals of the book stand at the field."""

    http_method_names = ["get", "post", "head", "options"]
    template_name = "cdr/contact.html"
    form_class = ContactForm

    @property
    def book(self) -> str:
        """Which book the entry stands in."""
        return MINE

    @cached_property
    def scope(self) -> Scope:
        return request_scope(self.request)

    @property
    def settled_number(self) -> str:
        """The number that is not asked for; empty where it is."""
        return ""

    def get_form_kwargs(self) -> dict[str, Any]:
        understood = None if self.settled_number else number_reader(self.reader, self.scope)
        return super().get_form_kwargs() | {"understood": understood}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = self.scope.masked(self.settled_number) if self.settled_number else ""
        return super().get_context_data(
            book=self.book, back=self.get_success_url(), number=shown, **kwargs
        )

    def get_success_url(self) -> str:
        return book_page(self.book)

    def form_valid(self, form: ContactForm) -> HttpResponse:
        try:
            contact = self.store(form.cleaned_data)
        except DomainError as refusal:
            form.add_error("number" if "number" in form.fields else None, refusal.message)
            return self.form_invalid(form)
        messages.success(self.request, _("“%(name)s” is saved.") % {"name": contact.name})
        return super().form_valid(form)

    def form_invalid(self, form: ContactForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def store(self, words: dict[str, Any]) -> Contact:
        """Write the entry down.

        Raises:
            DomainError: if the book refuses it.
        """
        raise NotImplementedError


class NewContact(ContactEditor):
    """A new entry of one's own book or, for administrators, of the company's."""

    @property
    def book(self) -> str:
        return book_asked(self.request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        is_for_company = request.user.is_authenticated and self.book == COMPANY
        if is_for_company and not may_write_contact(request_scope(request), None):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def store(self, words: dict[str, Any]) -> Contact:
        owner = None if self.book == COMPANY else self.reader
        return add_contact(owner=owner, name=words["name"], number=words["number"])


class ContactOfCall(ContactEditor):
    """The number of one of the reader's own calls, named by him; he sees it as the call shows it."""

    @cached_property
    def settled_number(self) -> str:
        """The number that the key stands for.

        Raises:
            Http404: if no own call of the reader has it: he may not name it.
        """
        number = number_of_key(self.request.GET.get("same", "")) or ""
        own = calls_in(self.scope.own()).filter(number=number)
        if not number.startswith("+") or not own.exists():
            raise Http404
        return number

    def get_success_url(self) -> str:
        return address_of(same=number_key(self.settled_number))

    def store(self, words: dict[str, Any]) -> Contact:
        number = self.settled_number
        return add_contact(
            owner=self.reader,
            name=words["name"],
            number=number,
            number_masked=self.scope.masked(number) != number,
        )


class EditContact(ContactOfReader, ContactEditor):
    """Another name, or another number; a number that was never seen whole stays as it is."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated:
            self.writable()
        return super().dispatch(request, *args, **kwargs)

    @property
    def settled_number(self) -> str:
        return self.contact.number if self.contact.number_masked else ""

    def get_initial(self) -> dict[str, Any]:
        return {"name": self.contact.name, "number": self.contact.number}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(contact=self.contact, **kwargs)

    def store(self, words: dict[str, Any]) -> Contact:
        return change_contact(self.contact, name=words["name"], number=words.get("number", ""))


class DeleteContact(ContactOfReader, TemplateView):
    """Asked once, naming the entry; then it is gone."""

    http_method_names = ["get", "post", "head", "options"]
    template_name = "cdr/contact_delete.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        contact = self.writable()
        number = shown_number(contact, self.scope)
        return super().get_context_data(
            contact=contact, number=number, back=book_page(self.book), **kwargs
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        contact, back = self.writable(), book_page(self.book)
        delete_contact(contact)
        messages.success(request, _("“%(name)s” is deleted.") % {"name": contact.name})
        return redirect(back)


class ContactCalls(ContactOfReader):
    """The way to the calls with an entry's number.

    It gives the number's key away, and so counts as a search for the number: somebody who
    has typed ten thousand numbers into his book learns no more from them than by searching.
    An entry that was taken from a call had the key from there.
    """

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        contact = self.contact
        try:
            if not contact.number_masked:
                count_number_search(self.scope, at=now())
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return redirect(book_page(self.book))
        if calls_in(self.scope).filter(number=contact.number).exists():
            return redirect(address_of(same=number_key(contact.number)))
        words = _("There is no call with “%(name)s” among those that you may see.")
        messages.info(request, words % {"name": contact.name})
        return redirect(book_page(self.book))
