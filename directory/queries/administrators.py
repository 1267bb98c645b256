"""Who can set up the installation: nobody must be able to take away the last of them."""

from __future__ import annotations

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from directory.models import Role, User

ONE_HAS_TO_STAY = _("After this nobody could administer Tollgate: one administrator has to stay.")


def able_administrators() -> QuerySet[User]:
    """The administrators who can sign in: active, with a password."""
    is_one = Q(role=Role.ADMIN) | Q(is_superuser=True)
    has_no_password = Q(password="") | Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return User.objects.filter(is_one, is_active=True).exclude(has_no_password)


def is_last_administrator(user: User, *, is_held: bool = False) -> bool:
    """Whether without `user` nobody could set up anything any more.

    With `is_held` the answer holds until the transaction ends: two who take each other's
    rights away wait for each other here.
    """
    rows = able_administrators().order_by("pk")
    keys = (rows.select_for_update(no_key=True) if is_held else rows).values_list("pk", flat=True)
    return list(keys) == [user.pk]
