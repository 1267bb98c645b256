"""Addresses of budgets."""

from __future__ import annotations

from django.urls import path

from budgets import views

app_name = "budgets"

urlpatterns = [
    path("budgets/", views.MyBudgets.as_view(), name="mine"),
    path("budgets/all/", views.BudgetsInScope.as_view(), name="in_scope"),
    path("budgets/assign/", views.Assign.as_view(), name="assign"),
    path("budgets/<int:pk>/amount/", views.ChangeAmount.as_view(), name="change_amount"),
    path("budgets/<int:pk>/override/", views.Override.as_view(), name="override"),
    path("budgets/<int:pk>/delete/", views.Delete.as_view(), name="delete"),
    path("budgets/<int:pk>/", views.BudgetDetail.as_view(), name="budget"),
]
