"""Accounts are made by administrators and imports; nobody signs up."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedAccounts(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Sign-in only."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
