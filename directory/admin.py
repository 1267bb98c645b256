"""Set-up of people and places, and the two base classes of every admin page.

Only administrators come in, by role. Set-up may be changed; facts may be looked
at and nothing else. A secret is written here and never shown again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Q, QuerySet
from django.forms.models import _get_foreign_key
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from directory.fields import ListField, WholesField
from directory.forms.person import PersonForm
from directory.models import (
    CUSTOM_FIELDS,
    ApiToken,
    CompanyContact,
    Job,
    Line,
    LineHolding,
    Membership,
    OrgUnit,
    Role,
    Site,
    Supervision,
    User,
)
from directory.operations.account import remove_second_factors
from directory.operations.branches import BadPlace, hold_tree, place_of, put_unit
from directory.queries.administrators import able_administrators, is_last_administrator
from directory.roles import is_administrator
from kernel.clock import now
from kernel.errors import DomainError


class ByRole:
    """Permissions from the role alone; Django's groups and permissions play no part.

    Rows are filtered by what the list shows or offers, and by no other field: whoever may
    ask `number__startswith` needs not be shown the number.
    """

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Whether the address may filter by `lookup`."""
        known = ("id", "pk", self.date_hierarchy, *self.list_display, *self.list_filter)  # type: ignore[attr-defined]
        names = (getattr(each, "parameter_name", each) for each in known)
        fields = {name.partition("__")[0] for name in names if isinstance(name, str)}
        is_allowed: bool = super().lookup_allowed(lookup, value, request)  # type: ignore[misc]
        return is_allowed and lookup.partition("__")[0] in fields

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_administrator(request.user)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_administrator(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_administrator(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_administrator(request.user)


class Unchangeable(ByRole):
    """Facts: nobody adds, changes or deletes them here, one by one or in bulk."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


MOST_COUNTED = 10_000


class BoundedPaginator(Paginator):
    """Counts to `MOST_COUNTED` and no further: nobody turns to page 200, a filter finds it."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[:MOST_COUNTED].count()
        return len(rows)


SEEN = "_seen"


class Outdated:
    """A form whose row has changed since its page was made: shown again, to be saved knowingly."""

    def clean(self) -> dict[str, Any] | None:
        words: dict[str, Any] | None = super().clean()  # type: ignore[misc]
        said = _("Somebody has changed this since you loaded the page. Save again to overwrite it.")
        self.add_error(None, said)  # type: ignore[attr-defined]
        return words


class AsSeen:
    """Two people edit one row: whoever saves last is told before he undoes the other's work."""

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 - as Django calls it
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        sent = request.POST.get(SEEN)
        if obj is None or sent is None or sent == self._stored(request, obj, form.base_fields):
            return form
        return type(form.__name__, (Outdated, form), {})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context.get("original")
        if row is not None:
            context[SEEN[1:]] = self._stored(request, row, context["adminform"].form.fields)
        answer: HttpResponse = super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]
        return answer

    def rows_to_hold(self, row: Any) -> QuerySet[Any]:
        """What nobody else may change while `row` is saved."""
        rows: QuerySet[Any] = type(row)._default_manager.filter(pk=row.pk)
        return rows

    def _stored(self, request: HttpRequest, row: Any, fields: Mapping[str, forms.Field]) -> str:
        """What the row, and the rows edited with it, hold now in one word; held while it is saved."""
        model = type(row)
        if connection.in_atomic_block:
            held = self.rows_to_hold(row).select_for_update(no_key=True).order_by("pk")
            list(held.values_list("pk", flat=True))
        columns = {column.name for column in model._meta.concrete_fields} & set(fields)
        rows = model._default_manager.filter(pk=row.pk)
        found: list[Any] = [*rows.values_list(*sorted(columns - {"password"}))]
        for inline in self.get_inline_instances(request, row):  # type: ignore[attr-defined]
            key = _get_foreign_key(model, inline.model, fk_name=inline.fk_name).name
            found += inline.model._default_manager.filter(**{key: row}).order_by("pk").values_list()
        return sha256(repr(found).encode()).hexdigest()[:32]


class SetUpAdmin(AsSeen, ByRole, admin.ModelAdmin):
    """Rows that administrators own. Each is deleted by itself, after a look at what hangs on it."""

    list_per_page = 50
    show_full_result_count = False
    paginator = BoundedPaginator


class SetUpInline(ByRole, admin.TabularInline):
    """Rows that belong to a set-up row and are edited with it."""

    extra = 0


class ReadOnlyAdmin(Unchangeable, admin.ModelAdmin):
    """Facts. `show_full_result_count` is off: a count over millions helps nobody."""

    actions = None
    list_per_page = 50
    show_full_result_count = False
    paginator = BoundedPaginator


class WithinDays(admin.SimpleListFilter):
    """How far back to look, by an indexed instant; a short while unless asked for more."""

    title = _("time")
    parameter_name = "within"
    field: ClassVar[str] = "made_at"
    usual: ClassVar[str] = "31"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("1", _("the last 24 hours")),
            ("7", _("the last 7 days")),
            ("31", _("the last 31 days")),
            ("366", _("the last year")),
            ("all", _("all")),
        ]

    def choices(self, changelist: Any) -> Any:
        chosen = self.value() or self.usual
        for lookup, words in self.lookup_choices:
            yield {
                "selected": lookup == chosen,
                "query_string": changelist.get_query_string({self.parameter_name: lookup}),
                "display": words,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value() or self.usual
        if not chosen.isdecimal():
            return queryset
        since = now() - timedelta(days=min(int(chosen[:9]), 36_600))
        return queryset.filter(**{f"{self.field}__gte": since})


class ReadOnlyInline(Unchangeable, admin.TabularInline):
    """Facts shown with the row they belong to."""

    extra = 0
    can_delete = False


class SiteForm(forms.ModelForm):
    """A site; its lists are written with commas."""

    class Meta:
        model = Site
        fields = (
            "name",
            "country",
            "time_zone",
            "currency",
            "language",
            "exit_code",
            "international_prefix",
            "national_prefix",
            "area_code",
            "extension_patterns",
            "local_lengths",
            "emergency_numbers",
            "allowed_while_locked",
            "transfer_payment",
            "keep_internal_calls",
            "mask_digits",
        )
        field_classes: ClassVar = {
            "extension_patterns": ListField,
            "local_lengths": WholesField,
            "emergency_numbers": ListField,
            "allowed_while_locked": ListField,
        }


@admin.register(Site)
class SiteAdmin(SetUpAdmin):
    form = SiteForm
    list_display = ("name", "country", "time_zone", "currency", "language", "mask_digits")
    search_fields = ("name", "country")
    ordering = ("name",)


class OrgUnitForm(forms.ModelForm):
    """A unit by its name and its parent."""

    class Meta:
        model = OrgUnit
        fields = ("kind", "name", "parent", "site")

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # the hook that fills the instance
        if not self.errors:
            hold_tree(self.instance)
            try:
                place_of(self.instance)
            except BadPlace as refusal:
                self.add_error(None, refusal.message)


@admin.register(OrgUnit)
class OrgUnitAdmin(SetUpAdmin):
    """The branch of a unit follows from its name and its parent, so it is not typed."""

    form = OrgUnitForm

    list_display = ("path", "kind", "site")
    list_filter = ("kind",)
    list_select_related = ("site",)
    search_fields = ("path",)
    ordering = ("kind", "path")
    autocomplete_fields = ("parent", "site")
    readonly_fields = ("path",)

    def save_model(self, request: HttpRequest, obj: OrgUnit, form: Any, change: Any) -> None:
        put_unit(obj)


class MembershipInline(SetUpInline):
    model = Membership
    fk_name = "user"
    autocomplete_fields = ("department", "cost_centre", "office")


class HoldingInline(SetUpInline):
    model = LineHolding
    autocomplete_fields = ("line", "user")


class SupervisionInline(SetUpInline):
    model = Supervision
    autocomplete_fields = ("unit",)
    verbose_name_plural = _("Supervises (with from and to: as a deputy)")


@admin.register(User)
class PersonAdmin(AsSeen, ByRole, DjangoUserAdmin):
    """People. The role decides everything; Django's own flags follow it."""

    form = PersonForm
    list_display = ("username", "first_name", "last_name", "email", "role", "is_active")
    list_filter = ("role", "is_active", "language")
    list_per_page = 50
    show_full_result_count = False
    paginator = BoundedPaginator
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    actions = ("take_second_factors",)
    filter_horizontal = ()
    autocomplete_fields = ("manager",)
    readonly_fields = ("last_login", "date_joined")
    inlines: ClassVar = [HoldingInline, MembershipInline, SupervisionInline]
    fieldsets = (
        (None, {"fields": ("username", "password", "is_active", "role")}),
        (
            _("Person"),
            {"fields": ("first_name", "last_name", "email", "language", "time_zone", "manager")},
        ),
        (_("Privacy"), {"fields": ("mask_digits", "may_reveal_numbers")}),
        (_("Custom fields"), {"fields": CUSTOM_FIELDS, "classes": ("collapse",)}),
        (_("Sign-ins"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "usable_password", "password1", "password2", "role"),
            },
        ),
    )

    def rows_to_hold(self, row: User) -> QuerySet[User]:
        """The administrators too, and all in one order: the last of them is asked for later."""
        return User.objects.filter(Q(pk=row.pk) | Q(pk__in=able_administrators().values("pk")))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        obj.is_staff = obj.role == Role.ADMIN
        obj.is_superuser = obj.is_superuser and obj.is_staff
        super().save_model(request, obj, form, change)

    @admin.action(description=_("Remove the second factors (a lost phone)"))
    def take_second_factors(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """One person at a time: whoever loses a phone is one, and a slip would open many doors."""
        if people.count() != 1:
            self.message_user(request, _("Tick one person only."), messages.ERROR)
            return
        person = people.get()
        try:
            count = remove_second_factors(person, by=cast(User, request.user))
        except DomainError as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            return
        said = ngettext(
            "%(count)d second factor of %(name)s was removed.",
            "%(count)d second factors of %(name)s were removed.",
            count,
        )
        self.message_user(request, said % {"count": count, "name": person}, messages.SUCCESS)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_delete = super().has_delete_permission(request, obj)
        if not may_delete or not isinstance(obj, User):
            return may_delete
        return not is_last_administrator(obj, is_held=connection.in_atomic_block)


@admin.register(Line)
class LineAdmin(SetUpAdmin):
    list_display = ("extension", "partition", "site")
    list_filter = ("site",)
    list_select_related = ("site",)
    search_fields = ("extension", "partition")
    ordering = ("site__name", "extension", "partition")
    autocomplete_fields = ("site",)
    inlines: ClassVar = [HoldingInline]


@admin.register(LineHolding)
class HoldingAdmin(SetUpAdmin):
    list_display = ("line", "user", "valid_from", "valid_to")
    list_select_related = ("line__site", "user")
    list_filter = ("line__site",)
    search_fields = ("line__extension", "user__username", "user__last_name")
    ordering = ("line__site__name", "line__extension", "-valid_from")
    autocomplete_fields = ("line", "user")


@admin.register(Membership)
class MembershipAdmin(SetUpAdmin):
    list_display = ("user", "department", "cost_centre", "office", "valid_from", "valid_to")
    list_select_related = ("user", "department", "cost_centre", "office")
    search_fields = ("user__username", "user__last_name", "department__path")
    ordering = ("user__username", "-valid_from")
    autocomplete_fields = ("user", "department", "cost_centre", "office")


@admin.register(Supervision)
class SupervisionAdmin(SetUpAdmin):
    list_display = ("user", "unit", "valid_from", "valid_to")
    list_select_related = ("user", "unit")
    search_fields = ("user__username", "unit__path")
    ordering = ("user__username", "unit__path")
    autocomplete_fields = ("user", "unit")


class CompanyContactForm(forms.ModelForm):
    """An entry of the company's phone book; a number stands there once."""

    class Meta:
        model = CompanyContact
        fields = ("name", "number")

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"]
        others = CompanyContact.objects.exclude(pk=self.instance.pk)
        if others.filter(number=number).exists():
            raise forms.ValidationError(_("The phone book has this number already."))
        return number


@admin.register(CompanyContact)
class CompanyContactAdmin(SetUpAdmin):
    """The company's phone book. People's own entries are theirs alone and stand nowhere here."""

    form = CompanyContactForm
    list_display = ("name", "number")
    search_fields = ("name", "number")
    ordering = ("name", "pk")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """What lets programs in. Deleting one shuts its program out; its hash is not shown."""

    list_display = ("name", "user", "start", "made_at", "used_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    ordering = ("user__username", "name", "pk")
    exclude = ("digest",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_administrator(request.user)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Who asked for which long work, and how it ended; its file stays its owner's."""

    list_display = ("title", "kind", "owner", "state", "asked_at", "finished_at", "attempts")
    list_filter = ("state", "kind")
    list_select_related = ("owner",)
    search_fields = ("title", "owner__username")
    fields = (
        *("title", "kind", "owner", "state", "done", "total", "words", "error", "attempts"),
        *("asked_at", "started_at", "heartbeat_at", "finished_at", "cancel_asked_at"),
    )
    ordering = ("-asked_at", "-id")
