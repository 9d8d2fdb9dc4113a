"""What an editor fills in: the draft, who is asked, a colleague for a test, the number to send to."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm

from .. import conf
from ..consultations.models import Consultation
from ..participants.models import Interest
from . import colleagues, queries, reminding, sending
from .audience import Audience
from .models import Invitation
from .team_forms import offer_teams

Start = Invitation.Start
FEW_DAYS = gettext_lazy("Enter a number of days from 1 to 60, or nothing.")
WHO_FIELDS = [
    "match",
    "interests",
    "not_invited_days",
    "is_promotional",
    "beyond_cap_reason",
    "team",
    "at_most",
    "chosen_by",
]


def _offered(invitation: Invitation) -> Any:
    """Interests to choose from: those in use, and those that are already chosen."""
    chosen = Q(pk__in=invitation.interests.values("pk")) if invitation.pk else Q()
    in_use = Q(merged_into=None, is_retired=False)
    return Interest.objects.filter(in_use | chosen if invitation.pk else in_use)


class InvitationForm(WagtailAdminModelForm):
    """Steps 1 and 2. Saves nothing but what it shows, and only while that is a draft."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "interests" in self.fields:
            self.fields["interests"].queryset = _offered(self.instance)
        if "chosen_by" in self.fields:
            self.fields["chosen_by"].required = False  # What was chosen stays.
        if "team" in self.fields:
            offer_teams(self, self.for_user)

    def save(self, commit: bool = True) -> Invitation:
        """Raises sending.NotPossible when the invitation has started meanwhile."""
        invitation = super().save(commit=False)
        if commit:
            interests = list(self.cleaned_data["interests"])
            sending.amend(invitation=invitation, interests=interests, actor=self.for_user)
        return invitation


class WhoForm(forms.ModelForm):
    """Step 1 alone, saved or not; tells whom it would reach."""

    class Meta:
        model = Invitation
        fields = WHO_FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["interests"].queryset = _offered(self.instance)
        self.fields["chosen_by"].required = False

    def audience(self, at: datetime.datetime) -> Audience:
        """Whom these choices reach. Only for a valid form."""
        return Audience.of(
            self.instance,
            interests=tuple(self.cleaned_data["interests"]),
            match=self.cleaned_data["match"],
            not_invited_days=self.cleaned_data["not_invited_days"],
            is_promotional=self.cleaned_data["is_promotional"],
            is_beyond_cap=bool(self.cleaned_data["beyond_cap_reason"].strip()),
            team=self.cleaned_data["team"],
            at_most=self.cleaned_data["at_most"],
            chosen_by=self.cleaned_data["chosen_by"] or self.instance.chosen_by,
            at=at,
        )


class ConsultationField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        day = date_format(timezone.localtime(obj.closes_at), "j F Y")
        return _("%(title)s (until %(day)s)") % {"title": obj.title, "day": day}


class NewInvitationForm(forms.Form):
    """Which consultation people are to be invited to."""

    consultation = ConsultationField(
        queryset=Consultation.objects.none(),
        label=gettext_lazy("Invite people to which consultation?"),
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={"required": gettext_lazy("Choose a consultation.")},
    )

    def __init__(self, *args: Any, at: datetime.datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        coming = Consultation.objects.live().filter(closes_at__gt=at)
        self.fields["consultation"].queryset = coming.order_by("closes_at")


class ColleagueField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{colleagues.named(obj)} ({obj.email})"


class TestForm(forms.Form):
    """A colleague who gets the letter first."""

    to = ColleagueField(queryset=None, label=gettext_lazy("Send a test to"), empty_label=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = colleagues.colleagues().exclude(email="")


class ReminderForm(forms.Form):
    """How many days before the closing date people are reminded; empty is never."""

    remind_days = forms.IntegerField(
        min_value=1,
        max_value=60,
        required=False,
        label=gettext_lazy("Days before the consultation closes"),
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), FEW_DAYS),
    )


class DecideForm(forms.Form):
    """What becomes of deliveries that are in doubt: of some, or of all."""

    what = forms.ChoiceField(choices=[("again", ""), ("leave", "")])
    all = forms.BooleanField(required=False)
    delivery = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        chosen = [value for value in data.getlist("delivery") if value.isdecimal()]
        self.fields["delivery"].choices = [(value, value) for value in chosen[:1000]]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("all") and not data.get("delivery"):
            raise forms.ValidationError(_("Choose at least one person."))
        return data


class SendForm(ReminderForm):
    """The last step: when, what the editor saw, and above a limit the number, typed."""

    start = forms.ChoiceField(
        widget=forms.RadioSelect, label=gettext_lazy("When it begins"), required=False
    )
    starts_at = forms.DateTimeField(
        required=False,
        label=gettext_lazy("Day and time"),
        help_text=gettext_lazy("Only for a time that you choose."),
        error_messages={"invalid": gettext_lazy("Enter a day and a time.")},
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    shown_count = forms.IntegerField(min_value=1, max_value=2**31, widget=forms.HiddenInput)
    shown_version = forms.CharField(max_length=64, widget=forms.HiddenInput)
    typed = forms.CharField(max_length=20, required=False, label=gettext_lazy("Number of people"))

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation
        is_open = invitation.consultation.opens_at <= timezone.now()
        without = Start.OPENING if is_open else Start.NOW
        self.fields["start"].choices = [c for c in Start.choices if c[0] != without]
        self.fields["start"].initial = Start.NOW if is_open else Start.OPENING
        if invitation.reminds_id:
            del self.fields["remind_days"]
        else:
            self._ask_about_reminding()

    def _ask_about_reminding(self) -> None:
        field = self.fields["remind_days"]
        field.label = _("Remind once, so many days before the consultation closes")
        field.help_text = _(
            "Leave it empty for no reminder. It goes only to those who have not answered, and you"
            " can call it off."
        )

    def as_query(self) -> str:
        """What was filled in, for the address of a screen that shows it again."""
        shown = ("start", "starts_at", "remind_days", "typed")
        return urlencode({name: self.data.get(name, "") for name in shown})

    def plan(self) -> sending.Plan:
        """When to begin and whether to remind. Only for a valid form."""
        data = self.cleaned_data
        return sending.Plan(
            start=data["start"] or Start.NOW,
            starts_at=data["starts_at"] if data["start"] == Start.TIME else None,
            remind_days=data.get("remind_days"),
        )

    @cached_property
    def needs_number(self) -> bool:
        shown = self["shown_count"].value()
        return str(shown).isdecimal() and int(shown) > conf.type_number_above()

    def clean_shown_version(self) -> str:
        shown = self.cleaned_data["shown_version"]
        if shown != queries.version(self.invitation):
            raise forms.ValidationError(
                _("Somebody has changed this invitation since you opened it. Look at it again.")
            )
        return str(shown)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        self._clean_start(data)
        self._clean_reminder(data)
        shown = data.get("shown_count")
        typed = data.get("typed", "").replace(",", "").replace(" ", "")
        if shown and shown > conf.type_number_above() and typed != str(shown):
            self.add_error(
                "typed", _("Type the number of people, %(number)s.") % {"number": f"{shown:,}"}
            )
        return data

    def _clean_start(self, data: dict[str, Any]) -> None:
        consultation = self.invitation.consultation
        begins = data.get("starts_at")
        if data.get("start") != Start.TIME or "starts_at" in self.errors:
            return
        if begins is None:
            self.add_error("starts_at", _("Enter the day and the time on which it begins."))
        elif begins <= timezone.now():
            self.add_error("starts_at", _("Enter a time that has not passed."))
        elif begins < consultation.opens_at:
            self.add_error("starts_at", _("Enter a time after the consultation opens."))
        elif begins >= consultation.closes_at:
            self.add_error("starts_at", _("Enter a time before the consultation closes."))

    def _clean_reminder(self, data: dict[str, Any]) -> None:
        """Whoever plans a reminder for a day that cannot be is told, while it can be changed."""
        days, now = data.get("remind_days"), timezone.now()
        consultation = self.invitation.consultation
        begins = {
            Start.TIME: data.get("starts_at"),
            Start.OPENING: max(now, consultation.opens_at),
        }.get(data.get("start") or Start.NOW, now)
        if not days or begins is None:
            return
        if not reminding.fits(consultation=consultation, days=days, begins=begins, at=now):
            text = _(
                "A reminder so many days before the consultation closes would come less than two"
                " days after the invitation. Enter fewer days, or leave it empty."
            )
            self.add_error("remind_days", text)
