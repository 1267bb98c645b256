"""Addresses of phones and their locks."""

from __future__ import annotations

from django.urls import path

from phonelock.views import lines, many, own, users

app_name = "phonelock"

urlpatterns = [
    path("phone/", own.MyPhone.as_view(), name="phone"),
    path("phone/<int:pk>/lock/", own.LockMine.as_view(), name="lock"),
    path("phone/<int:pk>/unlock/", own.UnlockMine.as_view(), name="unlock"),
    path("phone/<int:pk>/again/", own.AskAgain.as_view(), name="again"),
    path("phone/pin/", own.OwnPin.as_view(), name="pin"),
    path("phone/users/", users.Users.as_view(), name="users"),
    path("phone/users/many/", many.ManyLocks.as_view(), name="many"),
    path("phone/users/many/done/", many.ManyDone.as_view(), name="many_done"),
    path("phone/users/<int:pk>/", users.Person.as_view(), name="person"),
    path("phone/users/<int:pk>/pin/", lines.SetPin.as_view(), name="set_pin"),
    path("phone/lines/<int:pk>/lock/", lines.AdminLock.as_view(), name="admin_lock"),
    path("phone/lines/<int:pk>/unlock/", lines.AdminUnlock.as_view(), name="admin_unlock"),
    path("phone/lines/<int:pk>/again/", lines.AskAgainForOthers.as_view(), name="others_again"),
]
