"""Addresses of the home page and the state of the works."""

from __future__ import annotations

from django.urls import path

from reports import views

app_name = "reports"

urlpatterns = [
    path("", views.Home.as_view(), name="home"),
    path("system/", views.System.as_view(), name="system"),
]
