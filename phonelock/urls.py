"""Addresses of phones and their locks."""

from __future__ import annotations

from django.urls import path

from phonelock import views

app_name = "phonelock"

urlpatterns = [
    path("phone/", views.MyPhone.as_view(), name="phone"),
    path("phone/<int:pk>/lock/", views.LockMine.as_view(), name="lock"),
    path("phone/<int:pk>/unlock/", views.UnlockMine.as_view(), name="unlock"),
    path("phone/users/", views.Users.as_view(), name="users"),
    path("phone/users/<int:pk>/lock/", views.AdminLock.as_view(), name="admin_lock"),
    path("phone/users/<int:pk>/unlock/", views.AdminUnlock.as_view(), name="admin_unlock"),
]
