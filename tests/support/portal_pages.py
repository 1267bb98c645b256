"""Every page a person can open, and who shows it best: for the browser tests and the screenshots.

A page is named by its address; one that belongs to a row is reached from a list by the
first link that matches. `tests/browser/test_every_page.py` holds this list against the
addresses of the site.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.support.portal import HALF_WAY, STRANGER, Portal

REFUSED = 403
NOT_FOUND = 404
PHONES_LOCKED_TOGETHER = "403"


@dataclass(frozen=True, slots=True)
class Shown:
    """A page: its route as in the URL configuration, who looks, and how to get there.

    `path` is opened; with `link`, the first link on it that matches the CSS selector is
    followed (and with "then", another one on the page it leads to). Where the password is
    asked for again, it is given. A page that is to be refused names its `status`, one that
    shows what came of a deed that deed (`first`).
    """

    name: str
    route: str
    role: str
    path: str
    link: str = ""
    status: int = 200
    first: Callable[[Page, Portal], None] | None = None

    def open(self, page: Page, portal: Portal) -> None:
        """Bring `page` to this page.

        Raises:
            AssertionError: if it is not there for this person.
        """
        if self.first is not None:
            self.first(page, portal)
        answer = page.goto(portal.url + self.path)
        for link in filter(None, self.link.split(" then ")):
            target = page.locator(link).first.get_attribute("href", timeout=5_000)
            answer = page.goto(portal.url + str(target))
        if "/reauthenticate/" in page.url and "reauthenticate" not in self.route:
            page.fill("[name=password]", portal.password)
            with page.expect_navigation() as sent:
                page.press("[name=password]", "Enter")
            answer = sent.value
        assert answer is not None
        assert answer.status == self.status, f"{self.name}: {answer.status} at {page.url}"


def _lock_many(page: Page, portal: Portal) -> None:
    """Lock the phones of a few people in London together, once; the telephone system hears of it."""
    page.goto(f"{portal.url}/phone/users/many/done/")
    if page.locator("main tbody tr").count():
        return
    page.goto(f"{portal.url}/phone/users/?extension={PHONES_LOCKED_TOGETHER}")
    page.locator("main [name=which]").select_option("all")
    page.locator("main button[name=do][value=lock]").click()
    page.locator("main [name=reason]").fill("The office moves to the second floor.")
    page.locator("main .btn-danger").click()
    page.wait_for_url("**/many/done/")
    portal.manage("tick")


def _of(role: str, *pages: tuple[str, ...]) -> tuple[Shown, ...]:
    """Pages of one role: a name and an address; and where they differ, the route and a link."""
    shown = []
    for name, path, *more in pages:
        route = more[0] if more else path.partition("?")[0].lstrip("/")
        shown.append(Shown(name, route, role, path, more[1] if len(more) > 1 else ""))
    return tuple(shown)


_IN_TABLE = "tbody a[href^='{}']:not([href*='?'])"

PAGES = (
    *_of(
        STRANGER,
        ("sign-in", "/accounts/login/"),
        ("account-closed", "/accounts/inactive/"),
        ("no-sign-up", "/accounts/signup/"),
        ("offline", "/offline/"),
    ),
    Shown("second-factor", "accounts/2fa/authenticate/", HALF_WAY, "/accounts/2fa/authenticate/"),
    *_of(
        "user",
        ("home-user", "/"),
        ("glance", "/glance/"),
        ("missed", "/missed/"),
        ("calls-user", "/calls/"),
        ("call", "/calls/?kind=outgoing", "calls/<int:pk>/", "tbody td:first-child a"),
        ("contacts", "/contacts/"),
        ("contacts-company", "/contacts/?book=company"),
        ("contact-new", "/contacts/new/"),
        ("contact", "/contacts/", "contacts/<int:pk>/", "tbody a:not([href$='/calls/'])"),
        ("contact-delete", "/contacts/", "contacts/<int:pk>/delete/", "tbody a[href$='/delete/']"),
        (
            "contact-of-call",
            "/calls/?kind=outgoing",
            "contacts/of-call/",
            "tbody td:first-child a then a[href*='/of-call/']",
        ),
        ("import-contacts", "/contacts/import/"),
        (
            "contact-file",
            "/contacts/import/",
            "contacts/import/<int:pk>/",
            "main a[href^='/contacts/import/']",
        ),
        ("my-budgets", "/budgets/"),
        ("my-history", "/budgets/history/"),
        ("my-budget", "/budgets/", "budgets/<int:pk>/", "h2 a[href^='/budgets/']"),
        ("ask-for-more", "/budgets/", "budgets/<int:pk>/ask/", "a[href$='/ask/']"),
        ("phone", "/phone/"),
        ("pin", "/phone/pin/"),
        ("jobs", "/jobs/"),
        ("job", "/jobs/", "jobs/<int:pk>/", "main a[href^='/jobs/']"),
        ("search-found", "/search/?q=calls"),
        ("help", "/help/"),
        ("account", "/account/"),
        ("sessions", "/account/sessions/"),
        ("password", "/accounts/password/change/"),
        ("sign-out", "/accounts/logout/"),
        ("password-again", "/accounts/reauthenticate/"),
        ("interface", "/api/v1/docs/"),
        ("second-factors-none", "/accounts/2fa/"),
        ("authenticator-app", "/accounts/2fa/totp/activate/"),
        ("security-keys-none", "/accounts/2fa/webauthn/"),
        ("security-key-new", "/accounts/2fa/webauthn/add/"),
    ),
    *_of(
        "secured",
        ("second-factors", "/accounts/2fa/"),
        ("second-factor-again", "/accounts/2fa/reauthenticate/"),
        ("authenticator-off", "/accounts/2fa/totp/deactivate/"),
        ("recovery-codes", "/accounts/2fa/recovery-codes/"),
        ("recovery-codes-new", "/accounts/2fa/recovery-codes/generate/"),
        ("security-keys", "/accounts/2fa/webauthn/"),
        ("security-key-again", "/accounts/2fa/webauthn/reauthenticate/"),
        (
            "security-key-remove",
            "/accounts/2fa/webauthn/",
            "accounts/2fa/webauthn/keys/<int:pk>/remove/",
            "a[href$='/remove/']",
        ),
        (
            "security-key-rename",
            "/accounts/2fa/webauthn/",
            "accounts/2fa/webauthn/keys/<int:pk>/edit/",
            "a[href$='/edit/']",
        ),
    ),
    *_of(
        "supervisor",
        ("home-supervisor", "/"),
        ("calls", "/calls/"),
        ("budgets", "/budgets/all/"),
        ("search", "/search/?q=ferri"),
        ("users", "/phone/users/"),
        (
            "person",
            "/phone/users/?username=ferri",
            "phone/users/<int:pk>/",
            _IN_TABLE.format("/phone/users/"),
        ),
        ("set-pin", "/phone/users/", "phone/users/<int:pk>/pin/", "tbody a[href*='/pin/']"),
        ("lock", "/phone/users/", "phone/lines/<int:pk>/lock/", "tbody a[href*='/lock/']"),
    ),
    Shown(
        "many-locked",
        "phone/users/many/done/",
        "administrator",
        "/phone/users/many/done/",
        first=_lock_many,
    ),
    *_of(
        "auditor",
        ("home-auditor", "/"),
        ("audit", "/audit/"),
    ),
    *_of(
        "administrator",
        ("home-administrator", "/"),
        ("requests", "/budgets/requests/"),
        ("budget", "/budgets/all/", "budgets/<int:pk>/", "tbody a[href^='/budgets/']"),
        ("budget-assign", "/budgets/assign/"),
        ("import-people", "/administration/people/"),
        (
            "people-file",
            "/administration/people/",
            "administration/people/<int:pk>/",
            "main a[href^='/administration/people/']:not([href*='template'])",
        ),
        ("import-rates", "/administration/rates/"),
        (
            "rate-file",
            "/administration/rates/",
            "administration/rates/<int:pk>/",
            "main a[href^='/administration/rates/']",
        ),
        ("system", "/system/"),
        ("components", "/system/components/"),
        ("quarantine", "/quarantine/"),
        (
            "quarantined",
            "/quarantine/?state=ALL",
            "quarantine/<int:pk>/",
            "tbody a[href^='/quarantine/']",
        ),
        ("outbox", "/outbox/"),
        ("mail", "/outbox/", "outbox/<int:pk>/", "tbody a[href^='/outbox/']"),
        ("setup", "/setup/"),
        ("setup-language", "/setup/language/"),
        ("setup-administrator", "/setup/administrator/"),
        ("setup-mail", "/setup/mail/"),
        ("setup-calls", "/setup/calls/"),
        ("setup-numbers", "/setup/numbers/"),
        ("setup-prices", "/setup/prices/"),
        ("setup-people", "/setup/people/"),
        ("setup-budgets", "/setup/budgets/"),
        ("setup-arriving", "/setup/arriving/"),
        ("setup-demo-removal", "/setup/demo/remove/"),
        ("admin", "/admin/"),
        ("admin-list", "/admin/directory/site/", "admin/"),
        ("admin-form", "/admin/directory/site/", "admin/", "tbody th a[href*='/change/']"),
        ("admin-source", "/admin/cdr/source/", "admin/", "tbody th a[href*='/change/']"),
        ("admin-tariff", "/admin/cdr/tariff/", "admin/", "tbody th a[href*='/change/']"),
        ("admin-facts", "/admin/cdr/call/", "admin/"),
    ),
    Shown("refused", "system/", "user", "/system/", status=REFUSED),
    Shown("not-found", "calls/<int:pk>/", "user", "/calls/999999/", status=NOT_FOUND),
)

NO_PAGES = {
    "curri": "asked by telephone systems",
    "curri/": "asked by telephone systems",
    "curri/<path:rest>": "asked by telephone systems",
    "health/": "asked by machines",
    "health/live": "asked by machines",
    "health/live/": "asked by machines",
    "health/ready": "asked by machines",
    "health/ready/": "asked by machines",
    "metrics": "asked by machines",
    "metrics/": "asked by machines",
    "api/v1/calls/": "rows for programs",
    "api/v1/calls/<int:pk>/": "rows for programs",
    "api/v1/contacts/": "rows for programs",
    "contacts/<int:pk>/calls/": "leads to the calls with that number",
    "api/v1/budgets/": "rows for programs",
    "api/v1/budgets/<int:pk>/": "rows for programs",
    "api/v1/phones/": "rows for programs",
    "api/v1/schema/": "a file for programs",
    "manifest.webmanifest": "a file for the browser",
    "service-worker.js": "a file for the browser",
    "budgets/history/file/": "a file",
    "budgets/all/file/": "a file",
    "budgets/<int:pk>/history/file/": "a file",
    "jobs/<int:pk>/file/": "a file",
    "administration/people/template.csv": "a file",
    "accounts/2fa/recovery-codes/download/": "a file",
    "outbox/<int:pk>/html/": "somebody's mail, shown in the frame of its page",
    "setup/start/<str:token>/": "leads to the first step",
    "accounts/password/set/": "leads to the change: everybody here has a password",
}
"""What answers GET and is no page of ours to look at, and why."""
