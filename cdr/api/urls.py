"""Addresses of calls in the programming interface."""

from __future__ import annotations

from django.urls import path

from cdr.api import views

urlpatterns = [
    path("calls/", views.CallsView.as_view(), name="api-calls"),
    path("calls/<int:pk>/", views.CallView.as_view(), name="api-call"),
]
