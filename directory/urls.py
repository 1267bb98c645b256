"""Addresses of the reader's own things: look, language, account, jobs."""

from __future__ import annotations

from django.urls import path

from directory.views import account, imports, jobs, look
from directory.views import help as help_pages

app_name = "directory"

urlpatterns = [
    path("jobs/", jobs.JobsPage.as_view(), name="jobs"),
    path("jobs/<int:pk>/", jobs.JobPage.as_view(), name="job"),
    path("jobs/<int:pk>/cancel/", jobs.CancelJob.as_view(), name="job_cancel"),
    path("jobs/<int:pk>/retry/", jobs.RetryJob.as_view(), name="job_retry"),
    path("jobs/<int:pk>/file/", jobs.JobFile.as_view(), name="job_file"),
    path("administration/people/", imports.ImportPeople.as_view(), name="import_people"),
    path(
        "administration/people/template.csv",
        imports.PeopleTemplate.as_view(),
        name="people_template",
    ),
    path("administration/people/<int:pk>/", imports.PeopleFile.as_view(), name="people_file"),
    path(
        "administration/people/<int:pk>/import/",
        imports.ImportPeopleFile.as_view(),
        name="import_people_file",
    ),
    path("account/", account.Account.as_view(), name="account"),
    path("account/sessions/", account.Sessions.as_view(), name="sessions"),
    path("account/sessions/end/", account.EndOtherSessions.as_view(), name="end_sessions"),
    path("account/sessions/<int:pk>/end/", account.EndSession.as_view(), name="end_session"),
    path("account/tokens/", account.MakeToken.as_view(), name="make_token"),
    path("account/tokens/<int:pk>/revoke/", account.RevokeToken.as_view(), name="revoke_token"),
    path("account/theme/", look.ChooseTheme.as_view(), name="theme"),
    path("account/language/", look.ChooseLanguage.as_view(), name="language"),
    path("help/", help_pages.Help.as_view(), name="help"),
    path("offline/", help_pages.Offline.as_view(), name="offline"),
    path("manifest.webmanifest", help_pages.Manifest.as_view(), name="manifest"),
    path("service-worker.js", help_pages.ServiceWorker.as_view(), name="service_worker"),
]
