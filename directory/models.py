"""People, sites, lines and org units: who may pay for a call, and where.

Facts that change over time (who holds a line, which units a person belongs to)
are rows with a half-open span `[valid_from, valid_to)`; null means since ever
and until further notice. Old calls keep the snapshot taken on their day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from directory.said import SaidAnew

CUSTOM_FIELDS = tuple(f"custom_{number}" for number in range(1, 11))


def valid_at(instant: datetime) -> Q:
    """The rows whose half-open span holds `instant`."""
    return (Q(valid_from__isnull=True) | Q(valid_from__lte=instant)) & (
        Q(valid_to__isnull=True) | Q(valid_to__gt=instant)
    )


class TransferPayment(models.TextChoices):
    """Who pays an outside leg that several people talked on."""

    WHOLE = "WHOLE", _("the line that dialled or handed out pays all")
    SHARED = "SHARED", _("each party pays by talk seconds")


class Site(models.Model):
    """One telephone system's place: its dial plan, country, zone, currency and language."""

    name = models.CharField(max_length=100, unique=True)
    country = models.CharField(max_length=2, help_text="ISO 3166 code, such as IT")
    time_zone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, default="EUR")
    language = models.CharField(
        max_length=8,
        blank=True,
        choices=[("", _("as the installation")), *settings.LANGUAGES],
        help_text=_("of people here who chose none, where no browser says: in mails and files"),
    )
    exit_code = models.CharField(max_length=8, blank=True)
    international_prefix = models.CharField(max_length=8, default="00", blank=True)
    national_prefix = models.CharField(max_length=8, blank=True)
    area_code = models.CharField(max_length=8, blank=True)
    extension_patterns = models.JSONField(default=list, blank=True)
    local_lengths = models.JSONField(default=list, blank=True)
    emergency_numbers = models.JSONField(default=list, blank=True)
    allowed_while_locked = models.JSONField(
        default=list,
        blank=True,
        help_text="numbers and prefixes (ending in *) open to locked phones",
    )
    transfer_payment = models.CharField(
        max_length=8, choices=TransferPayment.choices, default=TransferPayment.WHOLE
    )
    keep_internal_calls = models.BooleanField(default=True)
    mask_digits = models.PositiveSmallIntegerField(default=4)

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class UnitKind(models.TextChoices):
    DEPARTMENT = "DEPARTMENT", _("department")
    COST_CENTRE = "COST_CENTRE", _("cost centre")
    OFFICE = "OFFICE", _("office")


class OrgUnit(models.Model):
    """A department, cost centre or office; `path` holds the whole branch, `Sales/North`."""

    kind = models.CharField(max_length=12, choices=UnitKind.choices)
    name = models.CharField(max_length=100)
    path = models.CharField(max_length=500)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    site = models.ForeignKey(
        Site,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="offices",
        help_text="gives an office its zone and currency",
    )

    class Meta:
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "path"], name="unit_path_once_per_kind")
        ]

    def __str__(self) -> str:
        return self.path


class Role(models.TextChoices):
    USER = "USER", _("user")
    SUPERVISOR = "SUPERVISOR", _("supervisor")
    ADMIN = "ADMIN", _("administrator")
    AUDITOR = "AUDITOR", _("auditor")


class User(AbstractUser):
    """A person (or a place) that calls are charged to, and perhaps signs in."""

    role = models.CharField(max_length=12, choices=Role.choices, default=Role.USER)
    language = models.CharField(
        max_length=8, blank=True, choices=[("", _("not chosen")), *settings.LANGUAGES]
    )
    time_zone = models.CharField(max_length=64, blank=True)
    manager = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="reports_to_me"
    )
    mask_digits = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="digits hidden from this viewer; the stricter rule wins"
    )
    may_reveal_numbers = models.BooleanField(default=False)
    custom_1 = models.CharField(max_length=200, blank=True)
    custom_2 = models.CharField(max_length=200, blank=True)
    custom_3 = models.CharField(max_length=200, blank=True)
    custom_4 = models.CharField(max_length=200, blank=True)
    custom_5 = models.CharField(max_length=200, blank=True)
    custom_6 = models.CharField(max_length=200, blank=True)
    custom_7 = models.CharField(max_length=200, blank=True)
    custom_8 = models.CharField(max_length=200, blank=True)
    custom_9 = models.CharField(max_length=200, blank=True)
    custom_10 = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Membership(models.Model):
    """The units a person belongs to, from one instant to another."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    department = models.ForeignKey(
        OrgUnit, null=True, blank=True, on_delete=models.PROTECT, related_name="department_members"
    )
    cost_centre = models.ForeignKey(
        OrgUnit, null=True, blank=True, on_delete=models.PROTECT, related_name="cost_centre_members"
    )
    office = models.ForeignKey(
        OrgUnit, null=True, blank=True, on_delete=models.PROTECT, related_name="office_members"
    )
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("membership in units")
        verbose_name_plural = _("memberships in units")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(valid_to__isnull=True), name="one_open_membership"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(valid_to__gt=F("valid_from")),
                name="membership_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.department or '-'}"


class Line(models.Model):
    """An extension. Its key is (site, partition, extension), never the number alone."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="lines")
    partition = models.CharField(max_length=100, blank=True)
    extension = models.CharField(max_length=50)

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "partition", "extension"], name="line_key_once")
        ]

    def __str__(self) -> str:
        return f"{self.site.name}/{self.partition}/{self.extension}"


class LineHolding(models.Model):
    """Who holds a line, from one instant to another."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="holdings")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="holdings")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("holder of a line")
        verbose_name_plural = _("holders of lines")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["line"], condition=Q(valid_to__isnull=True), name="one_open_holder_a_line"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(valid_to__gt=F("valid_from")),
                name="holding_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line} held by {self.user}"


class Supervision(models.Model):
    """A grant: this person may see the unit and everything below it.

    With a span it is a deputy's: for a holiday, say. The people file writes grants
    without a span only, and leaves deputies alone.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="supervisions")
    unit = models.ForeignKey(OrgUnit, on_delete=models.CASCADE, related_name="supervisions")
    valid_from = models.DateTimeField(
        null=True, blank=True, help_text="a deputy's first moment; empty: since ever"
    )
    valid_to = models.DateTimeField(
        null=True, blank=True, help_text="when a deputy's grant ends; empty: until further notice"
    )

    class Meta:
        verbose_name = _("right to supervise")
        verbose_name_plural = _("rights to supervise")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "unit"],
                condition=Q(valid_from__isnull=True, valid_to__isnull=True),
                name="unit_supervised_once_a_user",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(valid_to__gt=F("valid_from")),
                name="supervision_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} supervises {self.unit}"


class Theme(models.TextChoices):
    AUTO = "auto", _("like the device")
    LIGHT = "light", _("light")
    DARK = "dark", _("dark")


class Preferences(models.Model):
    """How one person likes the pages. No row: as everybody gets them.

    `page_sizes` and `columns` are remembered by the name of the list:
    `{"calls": 50}`, `{"calls": ["area", "carrier"]}`.
    """

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="preferences"
    )
    theme = models.CharField(max_length=5, choices=Theme.choices, default=Theme.AUTO)
    page_sizes = models.JSONField(default=dict, blank=True)
    columns = models.JSONField(default=dict, blank=True)
    has_shortcuts = models.BooleanField(default=True)
    is_live = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("preferences")
        verbose_name_plural = _("preferences")

    def __str__(self) -> str:
        return f"preferences of {self.user}"


class Contact(models.Model):
    """A name for an outside number: in one person's phone book, or in the company's (no owner).

    `number_masked` marks a number that its owner took over from a call and has never seen
    whole: he goes on seeing it masked. Whose names stand where: docs/decisions/0009.
    """

    owner = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="contacts"
    )
    number = models.CharField(
        max_length=16,
        validators=[RegexValidator(r"^\+[1-9][0-9]{4,14}\Z", _("Write it as +390255550117."))],
    )
    name = models.CharField(max_length=120)
    number_masked = models.BooleanField(default=False, editable=False)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "number"], name="contact_once_an_owner"),
            models.UniqueConstraint(
                fields=["number"],
                condition=Q(owner__isnull=True),
                name="contact_once_in_the_company",
            ),
        ]

    def __str__(self) -> str:
        return self.name if self.owner_id is None else str(_("entry of a personal phone book"))


class CompanyContacts(models.Manager["CompanyContact"]):
    """The entries that belong to nobody alone."""

    def get_queryset(self) -> models.QuerySet[CompanyContact]:
        return super().get_queryset().filter(owner__isnull=True)


class CompanyContact(Contact):
    """An entry of the company's phone book: what administrators write, and the log notes."""

    objects: ClassVar = CompanyContacts()

    class Meta:
        proxy = True
        verbose_name = _("contact of the company")
        verbose_name_plural = _("contacts of the company")


class NumberSearches(models.Model):
    """How often one person asked for a number typed in full, in the last clock hour he did."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="number_searches"
    )
    hour = models.PositiveIntegerField(help_text="hours since 1970, in UTC")
    searches = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("searches by number")
        verbose_name_plural = _("searches by number")

    def __str__(self) -> str:
        return f"{self.searches} searches of {self.user}"


class JobState(models.TextChoices):
    QUEUED = "QUEUED", _("waiting")
    RUNNING = "RUNNING", _("running")
    DONE = "DONE", _("done")
    FAILED = "FAILED", _("failed")
    CANCELLED = "CANCELLED", _("cancelled")


JOBS_KEPT_FOR = timedelta(days=7)
ENDED_JOBS = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Job(SaidAnew, models.Model):
    """A long work that somebody asked for. The row is the truth; messages only wake workers.

    Whoever changes QUEUED into RUNNING does the work; `attempts` then names the run,
    and only that run may write progress and the end. What ended is kept for a week,
    its files in a folder of its own (`directory.operations.jobs`).
    """

    kind = models.CharField(max_length=50)
    title = models.CharField(max_length=200)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="jobs")
    state = models.CharField(max_length=9, choices=JobState.choices, default=JobState.QUEUED)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True, blank=True)
    words = models.CharField(max_length=500, blank=True, help_text="what the work says of itself")
    sentences = models.JSONField(default=dict, blank=True, help_text="both, for any language")
    parameters = models.JSONField(default=dict, blank=True)
    answer = models.JSONField(default=dict, blank=True, help_text="what the work found out")
    page = models.CharField(max_length=200, blank=True, help_text="where the result is shown")
    file = models.CharField(
        max_length=255, blank=True, help_text="the file to download, inside the job's folder"
    )
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(auto_now_add=True)
    woken_at = models.DateTimeField(auto_now_add=True, help_text="last message sent for it")
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(
        null=True, blank=True, help_text="when the owner saw that it ended"
    )

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes: ClassVar = [
            models.Index(fields=["owner", "-asked_at"], name="jobs_of_an_owner"),
            models.Index(fields=["state", "woken_at"], name="jobs_by_state"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=["QUEUED", "RUNNING"], finished_at__isnull=True)
                | Q(state__in=["DONE", "FAILED", "CANCELLED"], finished_at__isnull=False),
                name="a_job_that_ended_says_when",
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("directory:job", args=[self.pk])

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED_JOBS

    @property
    def is_cancelling(self) -> bool:
        """Somebody asked for the end, and the worker has not noticed yet."""
        return self.cancel_asked_at is not None and not self.has_ended

    @property
    def percent(self) -> int | None:
        """How much is done; none where the whole is not known."""
        if not self.total:
            return None
        return min(100, 100 * self.done // self.total)

    @property
    def file_name(self) -> str:
        """The name that the file is downloaded under."""
        return self.file.rpartition("/")[2]

    @property
    def kept_until(self) -> datetime | None:
        """When its row and its files go; none while it has not ended."""
        return self.finished_at + JOBS_KEPT_FOR if self.finished_at else None


class ApiToken(models.Model):
    """What lets a program act for a person. Its text is shown once; here stands its hash."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    start = models.CharField(max_length=8, help_text="the first letters, to know it again")
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True, help_text="noted once an hour")

    class Meta:
        verbose_name = _("token for programs")
        verbose_name_plural = _("tokens for programs")

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"
