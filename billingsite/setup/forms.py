"""The forms of the set-up: the installation, its administrator, its mail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import BaseUserCreationForm
from django.utils.translation import gettext_lazy as _

from billingsite.setup.fields import Sender, currency_choices, one_line, zone_choices
from directory.installation import StoredMail, stored_installation
from directory.models import User


class LanguageForm(forms.Form):
    """Step 1."""

    language = forms.ChoiceField(
        label=_("Language"),
        help_text=_("Of this set-up and of people who have not chosen one."),
        choices=settings.LANGUAGES,
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"), help_text=_("Of everything that belongs to no site.")
    )
    currency = forms.ChoiceField(
        label=_("Currency"), help_text=_("Each site may have another one; you say so in step 4.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        from_environment = _("The environment of the server says so (%(name)s).")
        for field, variable, given in (
            ("time_zone", "TIME_ZONE", settings.INSTALLATION_TIME_ZONE),
            ("currency", "CURRENCY", settings.INSTALLATION_CURRENCY),
        ):
            if given:
                self.fields[field].disabled = True
                self.fields[field].help_text = from_environment % {"name": variable}
                self.initial[field] = given
        self.fields["time_zone"].choices = zone_choices()  # type: ignore[attr-defined]
        self.fields["currency"].choices = currency_choices()  # type: ignore[attr-defined]


class AdministratorForm(BaseUserCreationForm):
    """Step 2: the first administrator, or another one."""

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email")
        labels = {"username": _("User name"), "email": _("Mail address")}
        help_texts = {
            "username": _("Letters, digits and . @ + - _"),
            "email": _("Where warnings about the installation go."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = False
        self.fields["password1"].help_text = _("At least 12 characters; a sentence is good.")
        self.fields["password2"].help_text = ""
        for name, hint in (
            ("username", "username"),
            ("first_name", "given-name"),
            ("last_name", "family-name"),
            ("email", "email"),
        ):
            self.fields[name].widget.attrs["autocomplete"] = hint

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(_("Somebody has this user name already."))
        return name


class MailForm(forms.Form):
    """Step 3. An empty password leaves the one that is kept."""

    SECURITY = (
        ("starttls", _("STARTTLS, usual (port 587)")),
        ("tls", _("TLS at once (port 465)")),
        ("none", _("None, own network (port 25)")),
    )
    host = forms.CharField(
        label=_("Server"),
        max_length=253,
        validators=[one_line],
        widget=forms.TextInput(attrs={"placeholder": "mail.example.com", "dir": "ltr"}),
    )
    security = forms.ChoiceField(label=_("Encryption"), choices=SECURITY, initial="starttls")
    port = forms.IntegerField(
        label=_("Port"),
        help_text=_("Leave it empty for the usual one."),
        required=False,
        min_value=1,
        max_value=65_535,
    )
    username = forms.CharField(
        label=_("User name"),
        help_text=_("If the server asks for one."),
        required=False,
        max_length=200,
        validators=[one_line],
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr"}),
    )
    password = forms.CharField(
        label=_("Password"),
        help_text=_(
            "The password is kept on this machine, readable by Tollgate only, and never shown again."
        ),
        required=False,
        max_length=500,
        strip=False,
        validators=[one_line],
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "dir": "ltr"}),
    )
    sender = Sender(
        label=_("Sender"),
        help_text=_("Such as Tollgate <tollgate@example.com>; most servers take only their own."),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"dir": "ltr"}),
    )
    recipient = forms.EmailField(
        label=_("Send the test mail to"),
        required=False,
        widget=forms.EmailInput(attrs={"dir": "ltr"}),
    )

    def __init__(self, *args: Any, is_trial: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_trial = is_trial
        if stored_installation().mail.password:
            self.fields["password"].help_text = _(
                "One is kept and never shown. Leave this empty to keep it."
            )
        if settings.MAIL_CONFIGURED:
            for name in ("host", "security", "port", "username", "password", "sender"):
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if self.is_trial and not found.get("recipient") and "recipient" not in self.errors:
            self.add_error("recipient", _("Say to whom the test mail should go."))
        return found

    def stored(self) -> StoredMail:
        """The server as it is to be kept: with the old password where none was typed."""
        values = self.cleaned_data
        kept = stored_installation().mail
        is_same = (kept.host, kept.username) == (values["host"], values["username"])
        return StoredMail(
            host=values["host"],
            port=values["port"] or 0,
            security=values["security"],
            username=values["username"],
            password=values["password"] or (kept.password if is_same else ""),
            sender=values["sender"],
        )
