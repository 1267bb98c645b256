"""Set-up of people and places, and the two base classes of every admin page.

Only administrators come in, by role. Set-up may be changed; facts may be looked
at and nothing else. A secret is written here and never shown again.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from directory.models import (
    CUSTOM_FIELDS,
    Line,
    LineHolding,
    Membership,
    OrgUnit,
    Role,
    Site,
    Supervision,
    User,
)
from directory.operations.branches import BadPlace, place_of, put_unit
from directory.roles import is_administrator


class ByRole:
    """Permissions from the role alone; Django's groups and permissions play no part."""

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


class SetUpAdmin(ByRole, admin.ModelAdmin):
    """Rows that administrators own."""

    list_per_page = 50
    show_full_result_count = False


class SetUpInline(ByRole, admin.TabularInline):
    """Rows that belong to a set-up row and are edited with it."""

    extra = 0


class ReadOnlyAdmin(Unchangeable, admin.ModelAdmin):
    """Facts. `show_full_result_count` is off: a count over millions helps nobody."""

    actions = None
    list_per_page = 50
    show_full_result_count = False


class ReadOnlyInline(Unchangeable, admin.TabularInline):
    """Facts shown with the row they belong to."""

    extra = 0
    can_delete = False


@admin.register(Site)
class SiteAdmin(SetUpAdmin):
    list_display = ("name", "country", "time_zone", "currency", "mask_digits")
    search_fields = ("name", "country")


class OrgUnitForm(forms.ModelForm):
    """A unit by its name and its parent."""

    class Meta:
        model = OrgUnit
        fields = ("kind", "name", "parent", "site")

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # the hook that fills the instance
        if not self.errors:
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


@admin.register(User)
class PersonAdmin(ByRole, DjangoUserAdmin):
    """People. The role decides everything; Django's own flags follow it."""

    list_display = ("username", "first_name", "last_name", "email", "role", "is_active")
    list_filter = ("role", "is_active")
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
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

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        obj.is_staff = obj.role == Role.ADMIN
        obj.is_superuser = obj.is_superuser and obj.is_staff
        super().save_model(request, obj, form, change)


@admin.register(Line)
class LineAdmin(SetUpAdmin):
    list_display = ("extension", "partition", "site")
    list_filter = ("site",)
    list_select_related = ("site",)
    search_fields = ("extension", "partition")
    autocomplete_fields = ("site",)
    inlines: ClassVar = [HoldingInline]


@admin.register(LineHolding)
class HoldingAdmin(SetUpAdmin):
    list_display = ("line", "user", "valid_from", "valid_to")
    list_select_related = ("line__site", "user")
    search_fields = ("line__extension", "user__username", "user__last_name")
    autocomplete_fields = ("line", "user")


@admin.register(Membership)
class MembershipAdmin(SetUpAdmin):
    list_display = ("user", "department", "cost_centre", "office", "valid_from", "valid_to")
    list_select_related = ("user", "department", "cost_centre", "office")
    search_fields = ("user__username", "user__last_name", "department__path")
    autocomplete_fields = ("user", "department", "cost_centre", "office")


@admin.register(Supervision)
class SupervisionAdmin(SetUpAdmin):
    list_display = ("user", "unit")
    list_select_related = ("user", "unit")
    search_fields = ("user__username", "unit__path")
    autocomplete_fields = ("user", "unit")
