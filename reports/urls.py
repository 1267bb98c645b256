"""Addresses of the home page and the state of the works."""

from __future__ import annotations

from django.urls import path

from reports.views import home, search, system

app_name = "reports"

urlpatterns = [
    path("", home.Home.as_view(), name="home"),
    path("glance/", home.Glance.as_view(), name="glance"),
    path("missed/", home.MissedToday.as_view(), name="missed"),
    path("search/", search.Search.as_view(), name="search"),
    path("system/", system.System.as_view(), name="system"),
]
