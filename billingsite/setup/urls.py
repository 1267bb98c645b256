"""Addresses of the set-up: the printed one, a page for each step, the checklist."""

from django.urls import path

from billingsite.setup import (
    views,
    views_arriving,
    views_calls,
    views_demo,
    views_people,
    views_prices,
)

app_name = "setup"
urlpatterns = [
    path("", views.Checklist.as_view(), name="checklist"),
    path("start/<str:token>/", views.Start.as_view(), name="start"),
    path("language/", views.LanguagePage.as_view(), name="language"),
    path("administrator/", views.AdministratorPage.as_view(), name="administrator"),
    path("mail/", views.MailPage.as_view(), name="mail"),
    path("calls/", views_calls.CallsPage.as_view(), name="calls"),
    path("numbers/", views_calls.NumbersPage.as_view(), name="numbers"),
    path("prices/", views_prices.PricesPage.as_view(), name="prices"),
    path("people/", views_people.PeoplePage.as_view(), name="people"),
    path("budgets/", views_people.BudgetsPage.as_view(), name="budgets"),
    path("arriving/", views_arriving.Arriving.as_view(), name="arriving"),
    path("import/", views_arriving.ImportSample.as_view(), name="import_sample"),
    path("demo/", views_demo.LoadDemo.as_view(), name="load_demo"),
    path("demo/remove/", views_demo.RemoveDemo.as_view(), name="remove_demo"),
    path("put-away/", views.PutAway.as_view(), name="put_away"),
]
