"""Programs sign in with a token that a person made in his account (`Authorization: Token …`)."""

from __future__ import annotations

from django.utils.translation import gettext
from rest_framework import exceptions
from rest_framework.authentication import TokenAuthentication

from directory.doors import lacks_second_factor
from directory.models import ApiToken, User
from directory.operations.tokens import find_token
from kernel.clock import now


class Tokens(TokenAuthentication):
    """A token opens what its owner may see, and only while he may sign in.

    A token that an administrator made before he needed a second factor waits for that too.
    """

    def authenticate_credentials(self, key: str) -> tuple[User, ApiToken]:
        token = find_token(key, at=now())
        if token is None or not token.user.is_active or lacks_second_factor(token.user):
            raise exceptions.AuthenticationFailed(gettext("This token is not valid."))
        return token.user, token
