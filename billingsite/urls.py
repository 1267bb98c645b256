"""Addresses: each app owns its own, this page only assembles them."""

from __future__ import annotations

from allauth.account import views as account
from django.contrib import admin
from django.urls import include, path

from billingsite import health, metrics
from billingsite.setup.views import sign_in
from billingsite.views import audit, components
from billingsite.views.demo import SignInToDemo

# Sign-in only: nobody signs up, and addresses are the administrators' business.
account_urls = [
    path("login/", sign_in, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("signup/", account.signup, name="account_signup"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("2fa/", include("allauth.mfa.urls")),
    path("demo/", SignInToDemo.as_view(), name="demo_sign_in"),
]

urlpatterns = [
    path("", include("directory.urls")),
    path("", include("reports.urls")),
    path("", include("cdr.urls")),
    path("", include("budgets.urls")),
    path("", include("phonelock.urls")),
    path("", include("alarms.urls")),
    path("api/v1/", include("billingsite.api")),
    path("setup/", include("billingsite.setup.urls")),
    path("accounts/", include(account_urls)),
    path("admin/", admin.site.urls),
    path("", include("phonelock.curri_urls")),
    path("system/components/", components.Components.as_view(), name="components"),
    path("audit/", audit.AuditLog.as_view(), name="audit"),
    path("health/", health.ready, name="health"),
    path("health/live", health.live, name="health-live"),
    path("health/live/", health.live),
    path("health/ready", health.ready, name="health-ready"),
    path("health/ready/", health.ready),
    path("metrics", metrics.metrics, name="metrics"),
    path("metrics/", metrics.metrics),
]
