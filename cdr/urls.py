"""Addresses of calls and of the records set aside."""

from __future__ import annotations

from django.urls import path

from cdr import views

app_name = "cdr"

urlpatterns = [
    path("calls/", views.CallList.as_view(), name="calls"),
    path("calls/<int:pk>/", views.CallDetail.as_view(), name="call"),
    path("calls/<int:pk>/record/", views.RevealRecord.as_view(), name="record"),
    path("quarantine/", views.QuarantineList.as_view(), name="quarantine"),
    path("quarantine/<int:pk>/", views.QuarantineDetail.as_view(), name="quarantined"),
    path("quarantine/<int:pk>/replay/", views.Replay.as_view(), name="replay"),
    path("quarantine/<int:pk>/close/", views.Close.as_view(), name="close"),
]
