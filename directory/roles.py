"""What a role may do at all; which rows it reaches is `directory.scoping`'s business."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from directory.models import Role, User

OVERSEERS = frozenset({Role.SUPERVISOR, Role.ADMIN, Role.AUDITOR})


def role_of(user: AbstractBaseUser | AnonymousUser | None) -> Role | None:
    """The role in force, asked of the row on every request; none for whoever may not sign in."""
    if not isinstance(user, User) or not user.is_active:
        return None
    return Role.ADMIN if user.is_superuser else Role(user.role)


def is_administrator(user: AbstractBaseUser | AnonymousUser | None) -> bool:
    """Whether `user` may set up the installation."""
    return role_of(user) is Role.ADMIN
