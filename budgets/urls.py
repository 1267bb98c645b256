"""Addresses of budgets."""

from __future__ import annotations

from django.urls import path

from budgets import views

app_name = "budgets"

urlpatterns = [
    path("budgets/", views.MyBudgets.as_view(), name="mine"),
    path("budgets/all/", views.BudgetsInScope.as_view(), name="in_scope"),
    path("budgets/<int:pk>/", views.BudgetDetail.as_view(), name="budget"),
]
