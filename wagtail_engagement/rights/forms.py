"""Forms of requests: how one is taken down, and what becomes of the answers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .models import RightsRequest

KEEP, DELETE = "keep", "delete"
FATES = [
    (KEEP, gettext_lazy("Keep them without a name: they go on counting")),
    (DELETE, gettext_lazy("Delete them too: they count no longer")),
]


class ErasureForm(forms.Form):
    """The two ways to erase somebody (trust 2.4). None is chosen beforehand.

    Whoever never answered is not asked about answers.
    """

    use_required_attribute = False
    answers = forms.ChoiceField(
        label=gettext_lazy("What is to become of the answers?"),
        choices=FATES,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("If their words say who wrote them, delete them."),
        error_messages={
            "required": gettext_lazy("Choose what is to become of the answers"),
            "invalid_choice": gettext_lazy("Choose what is to become of the answers"),
        },
    )

    def __init__(self, data: Any = None, *, has_answered: bool) -> None:
        super().__init__(data, auto_id="id-%s", label_suffix="")
        if not has_answered:
            del self.fields["answers"]

    @property
    def keeps_responses(self) -> bool:
        return bool(self.cleaned_data.get("answers", KEEP) == KEEP)


class StaffErasureForm(ErasureForm):
    """The same for staff, who read first what somebody wrote: ticked texts are emptied."""

    texts = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(
        self, data: Any = None, *, texts: list[dict[str, Any]], has_answered: bool
    ) -> None:
        super().__init__(data, has_answered=has_answered)
        self.fields["texts"].choices = [(text["value"], text["question"]) for text in texts]

    @property
    def chosen(self) -> list[tuple[int, str]]:
        pairs = [value.partition(":") for value in self.cleaned_data["texts"]]
        return [(int(number), key) for number, _colon, key in pairs]


class MailboxGone(forms.BooleanField):
    """Ticked for somebody whom mail does not reach any more, though it may arrive somewhere."""

    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Their mailbox is gone, or somebody else reads it"),
            required=False,
            help_text=gettext_lazy("Then no email tells them of their erasure. Write a letter."),
        )


class LetterForm(forms.Form):
    note = forms.CharField(
        label=gettext_lazy("Where the letter or the note of the visit is kept"),
        max_length=200,
        help_text=gettext_lazy("A file number, for example. It goes when the person is erased."),
        error_messages={
            "required": gettext_lazy("Say where the letter or the note of the visit is kept.")
        },
    )
    mailbox_gone = MailboxGone()


class RequestForm(forms.Form):
    """What somebody asks for, and how we know that it is they who ask."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What does this person ask for?"),
        choices=[
            (RightsRequest.Kind.ACCESS, gettext_lazy("A copy of their data")),
            (RightsRequest.Kind.ERASURE, gettext_lazy("Erasure")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose what this person asks for.")},
    )
    identity = forms.ChoiceField(
        label=gettext_lazy("How do we know that it is they who ask?"),
        choices=[
            (RightsRequest.Identity.MAIL, gettext_lazy("Mail them a link and let them say so")),
            (RightsRequest.Identity.LETTER, gettext_lazy("They wrote a letter or came in person")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose how the identity is checked.")},
    )
    note = forms.CharField(
        label=LetterForm.base_fields["note"].label,
        max_length=200,
        required=False,
        help_text=gettext_lazy("Only for a letter or a visit: a file number, for example."),
    )
    mailbox_gone = MailboxGone()

    def clean(self) -> Any:
        told = super().clean() or {}
        if told.get("identity") == RightsRequest.Identity.LETTER and not told.get("note"):
            self.add_error("note", _("Say where the letter or the note of the visit is kept."))
        return told
