"""What is filled in of a team, with what a mail program would make of it."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from wagtail.admin.forms.models import WagtailAdminModelForm

from .. import conf
from .teams import Team

BRACKETS = "<>"
# Line breaks, other control characters, and marks that turn the direction of what follows.
UNPRINTED = ("Cc", "Cf", "Zl", "Zp")


class TeamForm(WagtailAdminModelForm):
    """A name that stands before the council's address, and nothing that looks like another one."""

    class Meta:
        model = Team
        fields = ["name", "sender_name", "reply_to", "mailbox", "cap_share", "is_dissolved"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cap_share"].min_value = 1

    def clean_name(self) -> str:
        return _printed(self.cleaned_data["name"])

    def clean_sender_name(self) -> str:
        name = _printed(self.cleaned_data["sender_name"])
        if any(bracket in name for bracket in BRACKETS):
            raise forms.ValidationError(_("Leave out < and >. Mail programs read them as marks."))
        if "@" in name or "://" in name or name.lower().startswith("www."):
            text = _("Enter a name, not an address. The council's own address stands after it.")
            raise forms.ValidationError(text)
        return name

    def clean_cap_share(self) -> int | None:
        share: int | None = self.cleaned_data["cap_share"]
        most = conf.contact_cap()
        if share is not None and share < 1:
            raise forms.ValidationError(_("Enter 1 or more, or leave it empty."))
        if share is not None and most and share > most:
            text = _(
                "The council allows %(most)s invitations to one person in %(days)s days, from all"
                " teams together. Enter %(most)s or fewer, or leave it empty."
            )
            facts = {"most": most, "days": conf.contact_cap_days()}
            raise forms.ValidationError(text % facts)
        return share


def _printed(text: str) -> str:
    """The text with single spaces. Refuses what cannot be seen."""
    if any(unicodedata.category(character) in UNPRINTED for character in text):
        raise forms.ValidationError(_("Leave out line breaks and other characters without a look."))
    return " ".join(text.split())


def offer_teams(form: Any, user: Any) -> None:
    """Let a form choose among the teams in use and the one that is chosen, one's own first.

    Where there are none, nothing is asked.
    """
    chosen = form.instance.team_id
    offered = Team.objects.filter(Q(is_dissolved=False) | Q(pk=chosen))
    if not offered.exists():
        del form.fields["team"]
        return
    own = set(user.engagement_teams.values_list("pk", flat=True)) if user else set()
    field = form.fields["team"]
    field.queryset = offered
    groups = [
        (_("Your teams"), [(team.pk, str(team)) for team in offered if team.pk in own]),
        (_("Other teams"), [(team.pk, str(team)) for team in offered if team.pk not in own]),
    ]
    field.choices = [("", _("The council itself")), *(group for group in groups if group[1])]
