"""What an editor fills in: the draft, who is asked, a colleague for a test, the number to send to."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms.models import WagtailAdminModelForm

from .. import conf
from ..consultations.models import Consultation
from ..participants.models import Interest
from . import queries, sending
from .audience import Audience
from .models import Invitation

WHO_FIELDS = [
    "match",
    "interests",
    "not_invited_days",
    "is_promotional",
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

    def save(self, commit: bool = True) -> Invitation:
        """Raises sending.NotPossible when the invitation has started meanwhile."""
        invitation = super().save(commit=False)
        if commit:
            sending.amend(invitation=invitation, interests=list(self.cleaned_data["interests"]))
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
        return Audience(
            consultation=self.instance.consultation,
            interests=tuple(self.cleaned_data["interests"]),
            match=self.cleaned_data["match"],
            not_invited_days=self.cleaned_data["not_invited_days"],
            is_promotional=self.cleaned_data["is_promotional"],
            at_most=self.cleaned_data["at_most"],
            chosen_by=self.cleaned_data["chosen_by"] or self.instance.chosen_by,
            at=at,
        )


class NewInvitationForm(forms.Form):
    """Which consultation people are to be invited to."""

    consultation = forms.ModelChoiceField(
        queryset=Consultation.objects.none(),
        label=gettext_lazy("Consultation"),
        widget=forms.RadioSelect,
        empty_label=None,
    )

    def __init__(self, *args: Any, at: datetime.datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        coming = Consultation.objects.live().filter(closes_at__gt=at)
        self.fields["consultation"].queryset = coming.order_by("closes_at")


class ColleagueField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.get_full_name() or obj.get_username()} ({obj.email})"


class TestForm(forms.Form):
    """A colleague who gets the letter first."""

    to = ColleagueField(queryset=None, label=gettext_lazy("Send a test to"), empty_label=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = _colleagues()


def _colleagues() -> Any:
    """Everybody who can use the admin and has an address."""
    admin = {"codename": "access_admin", "content_type__app_label": "wagtailadmin"}
    users = get_user_model()._default_manager.filter(is_active=True).exclude(email="")
    by_group = Q(**{f"groups__permissions__{name}": value for name, value in admin.items()})
    by_name = Q(**{f"user_permissions__{name}": value for name, value in admin.items()})
    allowed = users.filter(Q(is_superuser=True) | by_group | by_name).values("pk")
    return users.filter(pk__in=allowed).order_by("pk")


class SendForm(forms.Form):
    """The last step: what the editor saw, and above a limit the number, typed."""

    shown_count = forms.IntegerField(min_value=1, max_value=2**31, widget=forms.HiddenInput)
    shown_version = forms.CharField(max_length=64, widget=forms.HiddenInput)
    typed = forms.CharField(max_length=20, required=False, label=gettext_lazy("Number of people"))

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation

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
        shown = data.get("shown_count")
        typed = data.get("typed", "").replace(",", "").replace(" ", "")
        if shown and shown > conf.type_number_above() and typed != str(shown):
            self.add_error(
                "typed", _("Type the number of people, %(number)s.") % {"number": f"{shown:,}"}
            )
        return data
