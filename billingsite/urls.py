"""Addresses: each app owns its own, this page only assembles them."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from billingsite import health

urlpatterns = [
    path("admin/", admin.site.urls),
    path("health/", health.health, name="health"),
    path("health/live/", health.live, name="health-live"),
    path("accounts/", include("allauth.urls")),
]
