"""Addresses of phone books in the programming interface."""

from __future__ import annotations

from django.urls import path

from directory.api.contacts import ContactsView

urlpatterns = [path("contacts/", ContactsView.as_view(), name="api-contacts")]
