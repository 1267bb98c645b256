"""Addresses of budgets in the programming interface."""

from __future__ import annotations

from django.urls import path

from budgets.api import views

urlpatterns = [
    path("budgets/", views.BudgetsView.as_view(), name="api-budgets"),
    path("budgets/<int:pk>/", views.BudgetView.as_view(), name="api-budget"),
]
