"""Addresses of budgets."""

from __future__ import annotations

from django.urls import path

from budgets.views import assign, detail, mine, requests, scope

app_name = "budgets"

urlpatterns = [
    path("budgets/", mine.MyBudgets.as_view(), name="mine"),
    path("budgets/history/", mine.MyHistory.as_view(), name="history"),
    path("budgets/history/file/", mine.MyHistoryFile.as_view(), name="history_file"),
    path("budgets/all/", scope.BudgetsInScope.as_view(), name="in_scope"),
    path("budgets/all/file/", scope.BudgetsFile.as_view(), name="file"),
    path("budgets/all/change/", scope.Bulk.as_view(), name="bulk"),
    path("budgets/assign/", assign.Assign.as_view(), name="assign"),
    path("budgets/requests/", requests.Requests.as_view(), name="requests"),
    path("budgets/requests/<int:pk>/grant/", requests.Grant.as_view(), name="grant"),
    path("budgets/requests/<int:pk>/refuse/", requests.Refuse.as_view(), name="refuse"),
    path("budgets/requests/<int:pk>/withdraw/", mine.Withdraw.as_view(), name="withdraw"),
    path("budgets/<int:pk>/amount/", detail.ChangeAmount.as_view(), name="change_amount"),
    path("budgets/<int:pk>/adjust/", detail.Adjust.as_view(), name="adjust"),
    path("budgets/<int:pk>/override/", detail.Override.as_view(), name="override"),
    path("budgets/<int:pk>/except/", detail.AddException.as_view(), name="add_exception"),
    path("budgets/<int:pk>/include/", detail.RemoveException.as_view(), name="remove_exception"),
    path("budgets/<int:pk>/delete/", detail.Delete.as_view(), name="delete"),
    path("budgets/<int:pk>/ask/", mine.Ask.as_view(), name="ask"),
    path(
        "budgets/<int:pk>/history/file/",
        detail.BudgetHistoryFile.as_view(),
        name="budget_history_file",
    ),
    path("budgets/<int:pk>/", detail.BudgetDetail.as_view(), name="budget"),
]
