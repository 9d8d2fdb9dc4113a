"""The form of the choices page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import conf
from ..consent.models import ConsentWording, Purpose
from . import areas
from .models import Interest, ParticipantInterest

LARGEST_ID = 2**62
EACH, TOGETHER = "each", "together"


class WordingForm(forms.Form):
    """A form that carries the id of the words to agree to that are shown with it."""

    use_required_attribute = False
    wording = forms.IntegerField(
        required=False, max_value=LARGEST_ID, min_value=1, widget=forms.HiddenInput
    )

    def clean_wording(self) -> int:
        """Keep the id of words that exist for this purpose; they may be older than today's."""
        wording_id: int = self.cleaned_data["wording"] or 0
        if not ConsentWording.objects.filter(pk=wording_id, purpose=Purpose.INVITE).exists():
            raise forms.ValidationError(_("Open this page again from the link in your email"))
        return wording_id


class ChoicesForm(WordingForm):
    """Topics and the permission to invite, with the id of the wording that stands beside it."""

    def __init__(
        self,
        data: Any = None,
        *,
        topics: list[tuple[Interest, str]],
        wording: ConsentWording | None,
        is_invited: bool,
        is_together: bool,
    ) -> None:
        super().__init__(data, auto_id="id-%s", label_suffix="")
        if topics:
            self.fields["interests"] = forms.TypedMultipleChoiceField(
                label=_("Topics you care about"),
                required=False,
                coerce=int,
                choices=[(topic.pk, _label(topic, origin)) for topic, origin in topics],
                initial=[topic.pk for topic, origin in topics if origin],
                widget=forms.CheckboxSelectMultiple,
            )
            self.fields["interests"].engagement_kind = "topics"
        if wording is not None:
            self.fields["wording"].initial = wording.pk
            self.fields["invite"] = forms.BooleanField(
                label=wording.label, help_text=wording.hint, required=False, initial=is_invited
            )
            self.fields["invite"].engagement_kind = "consent"
        if days := conf.summary_days():
            self.fields["rhythm"] = _rhythm(days, is_together)
        if areas.names():
            self.fields["postcode"] = forms.CharField(
                label=_("Your postcode"),
                required=False,
                max_length=20,
                help_text=_(
                    "So that we can tell you what is planned near you. We keep only the area that"
                    " it lies in."
                ),
                widget=forms.TextInput(attrs={"autocomplete": "postal-code"}),
            )

    def clean_postcode(self) -> str:
        """Become the name of the area; "" where nothing was typed."""
        typed: str = self.cleaned_data["postcode"]
        if typed and not areas.plain(typed):
            raise forms.ValidationError(_("Enter a full UK postcode, like BN1 1AA"))
        area = areas.area_of(typed) if typed else ""
        if typed and not area:
            raise forms.ValidationError(
                _("We do not know this postcode. Check it, or leave it empty if you live elsewhere")
            )
        return area

    @property
    def purposes(self) -> dict[str, int]:
        """What is ticked, with the wording that was shown."""
        is_ticked = self.cleaned_data.get("invite")
        return {Purpose.INVITE: self.cleaned_data["wording"]} if is_ticked else {}


def _rhythm(days: int, is_together: bool) -> forms.Field:
    """Each time or together. A page that was opened before the question was asked leaves it out."""
    return forms.TypedChoiceField(
        label=_("How we tell you about consultations"),
        coerce=lambda value: value == TOGETHER,
        choices=[(EACH, _("Each by itself, in an email of its own")), (TOGETHER, _together(days))],
        initial=TOGETHER if is_together else EACH,
        help_text=_(
            "An email with several comes earlier only if you would otherwise be too late to answer."
        ),
        required=False,
        empty_value=None,
        widget=forms.RadioSelect,
    )


def _together(days: int) -> str:
    number, rest = divmod(days, 7)
    if rest:
        said = ngettext(
            "Several in one email, at most once a day",
            "Several in one email, at most every %(number)s days",
            days,
        )
        return said % {"number": days}
    said = ngettext(
        "Several in one email, at most once a week",
        "Several in one email, at most every %(number)s weeks",
        number,
    )
    return said % {"number": number}


def _label(topic: Interest, origin: str) -> str:
    if origin == ParticipantInterest.Origin.INFERRED:
        return _("%(topic)s (we think so, from what you took part in)") % {"topic": topic.name}
    return topic.name
