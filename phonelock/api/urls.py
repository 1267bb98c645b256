"""Addresses of phones in the programming interface."""

from __future__ import annotations

from django.urls import path

from phonelock.api import views

urlpatterns = [path("phones/", views.PhonesView.as_view(), name="api-phones")]
