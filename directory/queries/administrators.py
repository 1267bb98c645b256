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


def is_last_administrator(user: User) -> bool:
    """Whether without `user` nobody could set up anything any more."""
    return [each.pk for each in able_administrators().only("pk")[:2]] == [user.pk]
