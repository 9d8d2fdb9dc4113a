"""The forms that residents fill in, built from a questionnaire's definition."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.functional import cached_property
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.rich_text import expand_db_html

from ..consent.models import ConsentWording, LawfulBasis, Purpose
from . import holding
from .fields import (
    LONG_TEXT,
    SHORT_TEXT,
    AddressField,
    DatePartsField,
    NumberField,
    TextField,
    tidy,
)
from .models import FormVersion
from .questions import Definition

NOT_ASKED, OPTIONAL, REQUIRED = "not_asked", "optional", "required"
MOST_DIGITS = 18  # of a number that every database takes for a key


@dataclass(frozen=True)
class Asked:
    """What a form asks besides its questions: contact details, permissions and topics."""

    email: str = NOT_ASKED
    name: str = NOT_ASKED
    wordings: dict[str, ConsentWording] = field(default_factory=dict)
    topics: Callable[[], list[tuple[int, str]]] = list  # keys and names, read when shown
    version: FormVersion | None = None


class TopicsField(forms.MultipleChoiceField):
    """Topics to tick, read from the register's list only when they are shown.

    What does not look like a key is left out here, and a topic that is gone by the time when a
    person confirms is left out then: nobody's answers are refused for it.
    """

    def to_python(self, value: Any) -> list[str]:
        keys: list[str] = super().to_python(value)
        return [key for key in keys if key.isdecimal() and len(key) <= MOST_DIGITS]

    def valid_value(self, value: str) -> bool:
        return True


class EngagementForm(forms.Form):
    """Contact details and permissions, with what tells people from machines."""

    required_css_class = ""
    use_required_attribute = False
    # Hidden from people by the stylesheet, labelled for those who find it all the same. A plain
    # field takes anything: an error here would point to something that nobody is shown.
    homepage = forms.Field(
        required=False,
        label=gettext_lazy("Leave this empty"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    started = forms.CharField(required=False, widget=forms.HiddenInput, initial=holding.start_stamp)
    submission_key = forms.CharField(
        required=False, widget=forms.HiddenInput, initial=lambda: uuid.uuid4().hex, max_length=64
    )

    def __init__(self, *args: Any, asked: Asked, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        kwargs.setdefault("auto_id", "id-%s")
        super().__init__(*args, **kwargs)
        self.asked = asked
        self.wordings = dict(asked.wordings)
        self.unknown_wordings: set[str] = set()
        if self.is_bound:
            self._keep_shown_wordings()
        self.fields["homepage"].engagement_kind = "trap"
        self._add_contact_fields()
        self._add_permission_fields()

    def _add_contact_fields(self) -> None:
        if self.asked.name != NOT_ASKED:
            missing = {"required": _("Enter your full name")}
            self.fields["name"] = TextField(
                label=_("Full name"),
                limit=200,
                required=self.asked.name == REQUIRED,
                error_messages=missing,
                widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
            )
            self.fields["name"].engagement_kind = "name"
        if self.asked.email != NOT_ASKED:
            self.fields["email"] = AddressField(
                label=_("Email address"),
                required=self.asked.email == REQUIRED,
                help_text=self.address_is_kept(),
            )
            self.fields["email"].engagement_kind = "email"

    def _add_permission_fields(self) -> None:
        if self.asked.email == NOT_ASKED:
            return
        for purpose, wording in self.wordings.items():
            box = box_of(wording)
            self.fields[box] = forms.BooleanField(
                required=False, label=wording.label, help_text=wording.hint
            )
            self.fields[box].engagement_kind = "consent"
            self.fields[f"wording_{purpose}"] = forms.IntegerField(
                required=False, initial=wording.pk, widget=forms.HiddenInput
            )
        if Purpose.INVITE in self.wordings:
            self.fields["topics"] = TopicsField(
                required=False,
                label=_("Which topics do you care about?"),
                help_text=_("Choose any. We then write only about these."),
                choices=self.asked.topics,
                widget=forms.CheckboxSelectMultiple,
            )
            self.fields["topics"].engagement_kind = "topics"

    def address_is_kept(self) -> str:
        """Say what becomes of the address, truly."""
        return _("We write to you only about what you tick below.")

    def _keep_shown_wordings(self) -> None:
        """Go on with the words that were shown, also when new ones came in between (P03).

        Words that never existed are replaced by today's, which have to be read and ticked first.
        """
        data: Any = self.data.copy()
        self.data = data
        for purpose, current in self.asked.wordings.items():
            name = f"wording_{purpose}"
            posted = str(data.get(name, ""))
            if posted == str(current.pk):
                continue
            is_key = posted.isdecimal() and len(posted) <= MOST_DIGITS
            known = ConsentWording.objects.filter(purpose=purpose)
            shown = known.filter(pk=int(posted)).first() if is_key else None
            if shown is None:
                self.unknown_wordings.add(purpose)
                data[name] = str(current.pk)
            self.wordings[purpose] = shown or current

    def keep_unjudged(self) -> None:
        """Show what was typed without judging it, after a check outside the form failed."""
        self._errors = ErrorDict()
        self.cleaned_data = {}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        has_box = any(self.cleaned_data.get(f"may_{purpose}") for purpose in self.wordings)
        if has_box and not data.get("email") and "email" not in self.errors:
            self.add_error("email", _("Enter your email address so that we can write to you"))
        for purpose in self.unknown_wordings.intersection(self.purposes_ticked()):
            self.add_error(
                box_of(self.wordings[purpose]),
                _("The words beside this box have changed. Read them again"),
            )
        return data

    def purposes_ticked(self) -> list[str]:
        """What may be written about: ticked, or on public task told and not refused."""
        return [p for p, wording in self.wordings.items() if self._allows(wording)]

    def _allows(self, wording: ConsentWording) -> bool:
        is_ticked = bool(self.cleaned_data.get(box_of(wording)))
        if wording.basis == LawfulBasis.PUBLIC_TASK:
            return bool(self.cleaned_data.get("email")) and not is_ticked
        return is_ticked

    @property
    def purposes(self) -> dict[str, int]:
        """Each ticked purpose with the id of the wording that was shown beside it."""
        return {p: self.cleaned_data[f"wording_{p}"] for p in self.purposes_ticked()}

    @property
    def interest_ids(self) -> list[int]:
        return sorted(int(pk) for pk in self.cleaned_data.get("topics", []))

    def contact_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("name", "email") if name in self.fields]

    def permission_fields(self) -> list[forms.BoundField]:
        ordered = [self.wordings.get(purpose) for purpose in (Purpose.RESULT, Purpose.INVITE)]
        names = [box_of(wording) for wording in ordered if wording]
        if "topics" in self.fields and self.asked.topics():
            names.append("topics")
        return [self[name] for name in names if name in self.fields]


def box_of(wording: ConsentWording) -> str:
    """The name of a wording's box: to agree, or on public task to refuse; neither is ticked."""
    refuses = wording.basis == LawfulBasis.PUBLIC_TASK
    return f"{'no' if refuses else 'may'}_{wording.purpose}"


class RegistrationForm(EngagementForm):
    """Sign-up for news of consultations: an address, topics, and a tick with its own words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        box = self.fields[f"may_{Purpose.INVITE}"]
        box.required = True
        box.error_messages["required"] = _("Tick the box if you want us to write to you")


class ConsultationForm(EngagementForm):
    """The questions of a consultation, then contact details and permissions."""

    version = forms.CharField(required=False, widget=forms.HiddenInput)
    # Of the message that the form was opened from; a plain field takes anything.
    answering = forms.Field(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, definition: Definition, **kwargs: Any) -> None:
        self.definition = definition
        super().__init__(*args, **kwargs)
        self.fields["version"].initial = definition.digest

    def _add_contact_fields(self) -> None:
        guidance: list[str] = []
        for item in self.definition.items:
            if item["kind"] == "guidance":
                guidance.append(mark_safe(expand_db_html(item["html"])))  # noqa: S308
                continue
            built = BUILDERS[item["kind"]](item)
            built.required = bool(item.get("required"))
            built.help_text = item.get("hint") or ""
            built.engagement_kind = item["kind"]
            built.guidance_before = guidance
            self.fields[self.name_of(item)] = built
            guidance = []
        self.guidance_after = guidance
        super()._add_contact_fields()

    def address_is_kept(self) -> str:
        if any(row.basis == LawfulBasis.PUBLIC_TASK for row in self.wordings.values()):
            return _("We keep it with your answers. Read below what we may write to you about.")
        if self.wordings:
            return _("We keep it with your answers. We write only about what you tick below.")
        return _("We keep it with your answers.")

    @staticmethod
    def name_of(item: dict[str, Any]) -> str:
        return f"q-{item['key']}"

    def question_fields(self) -> list[forms.BoundField]:
        return [self[self.name_of(item)] for item in self.definition.questions]

    @cached_property
    def answers(self) -> dict[str, Any]:
        """Cleaned answers by question key; unanswered questions are left out."""
        found = {q["key"]: self.cleaned_data[self.name_of(q)] for q in self.definition.questions}
        return {key: value for key, value in found.items() if value not in (None, "", [])}

    def typed(self) -> list[tuple[str, str]]:
        """Return what was typed with its labels, checked or not, to hand back to its author."""
        shown: dict[str, Any] = {}
        for question in self.definition.questions:
            value = self[self.name_of(question)].value()
            if question["kind"] == "date":
                value = " ".join(str(part) for part in value or [] if part)
            shown[question["key"]] = tidy(value) if isinstance(value, str) else value
        return [(label, text) for label, text in self.definition.readable(shown) if text]


def _text(item: dict[str, Any]) -> forms.Field:
    return TextField(label=item["label"], limit=SHORT_TEXT, widget=forms.TextInput)


def _long_text(item: dict[str, Any]) -> forms.Field:
    return TextField(label=item["label"], limit=LONG_TEXT, widget=forms.Textarea(attrs={"rows": 6}))


def _one_of(item: dict[str, Any]) -> forms.Field:
    choose = _("Choose an answer to “%(question)s”") % {"question": item["label"]}
    return forms.ChoiceField(
        label=item["label"],
        choices=[(option["key"], option["label"]) for option in item["options"]],
        widget=forms.RadioSelect,
        error_messages={"required": choose, "invalid_choice": choose},
    )


def _any_of(item: dict[str, Any]) -> forms.Field:
    choose = _("Choose at least one answer to “%(question)s”") % {"question": item["label"]}
    wrong = _("Choose answers to “%(question)s” from the list") % {"question": item["label"]}
    return forms.MultipleChoiceField(
        label=item["label"],
        choices=[(option["key"], option["label"]) for option in item["options"]],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": choose, "invalid_choice": wrong, "invalid_list": wrong},
    )


def _number(item: dict[str, Any]) -> forms.Field:
    return NumberField(label=item["label"])


def _date(item: dict[str, Any]) -> forms.Field:
    return DatePartsField(label=item["label"])


BUILDERS: dict[str, Callable[[dict[str, Any]], forms.Field]] = {
    "text": _text,
    "long_text": _long_text,
    "single": _one_of,
    "agree": _one_of,
    "multiple": _any_of,
    "number": _number,
    "date": _date,
}
