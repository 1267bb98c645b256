"""Addresses of the outbox."""

from __future__ import annotations

from django.urls import path

from alarms import views

app_name = "alarms"

urlpatterns = [
    path("outbox/", views.Outbox.as_view(), name="outbox"),
    path("outbox/many/", views.DoToMany.as_view(), name="many"),
    path("outbox/<int:pk>/", views.Mail.as_view(), name="mail"),
    path("outbox/<int:pk>/again/", views.SendAgain.as_view(), name="send_again"),
    path("outbox/<int:pk>/cancel/", views.Cancel.as_view(), name="cancel"),
    path("outbox/<int:pk>/address/", views.ClearAddress.as_view(), name="clear_address"),
    path("outbox/<int:pk>/html/", views.MailPreview.as_view(), name="mail_html"),
]
