"""Addresses of calls and of the records set aside."""

from __future__ import annotations

from django.urls import path

from cdr.views import calls, contact_files, contacts, quarantine, rates

app_name = "cdr"

urlpatterns = [
    path("calls/", calls.CallList.as_view(), name="calls"),
    path("calls/file/", calls.CallsFile.as_view(), name="calls_file"),
    path("calls/<int:pk>/", calls.CallDetail.as_view(), name="call"),
    path("calls/<int:pk>/record/", calls.RevealRecord.as_view(), name="record"),
    path("contacts/", contacts.ContactsPage.as_view(), name="contacts"),
    path("contacts/new/", contacts.NewContact.as_view(), name="new_contact"),
    path("contacts/of-call/", contacts.ContactOfCall.as_view(), name="contact_of_call"),
    path("contacts/<int:pk>/", contacts.EditContact.as_view(), name="contact"),
    path("contacts/<int:pk>/delete/", contacts.DeleteContact.as_view(), name="delete_contact"),
    path("contacts/<int:pk>/calls/", contacts.ContactCalls.as_view(), name="contact_calls"),
    path("contacts/import/", contact_files.ImportContacts.as_view(), name="import_contacts"),
    path("contacts/import/<int:pk>/", contact_files.ContactFile.as_view(), name="contact_file"),
    path(
        "contacts/import/<int:pk>/now/",
        contact_files.ImportContactFile.as_view(),
        name="import_contact_file",
    ),
    path("administration/rates/", rates.ImportRates.as_view(), name="import_rates"),
    path("administration/rates/<int:pk>/", rates.RateFile.as_view(), name="rate_file"),
    path(
        "administration/rates/<int:pk>/import/",
        rates.ImportRateFile.as_view(),
        name="import_rate_file",
    ),
    path("administration/rates/<int:pk>/again/", rates.ReadAgain.as_view(), name="read_again"),
    path("quarantine/", quarantine.QuarantineList.as_view(), name="quarantine"),
    path("quarantine/many/", quarantine.SettleMany.as_view(), name="settle_many"),
    path("quarantine/<int:pk>/", quarantine.QuarantineDetail.as_view(), name="quarantined"),
    path("quarantine/<int:pk>/replay/", quarantine.Replay.as_view(), name="replay"),
    path("quarantine/<int:pk>/close/", quarantine.Close.as_view(), name="close"),
]
