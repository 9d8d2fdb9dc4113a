"""Question blocks, and the plain definition of a questionnaire that everything else works with.

Block ids and option ids are the stable keys of answers: relabelling, reordering and half-typed
drafts never touch what is stored.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.fields import StreamField

MOST_OPTIONS = 60
GUIDANCE_FEATURES = ["bold", "italic", "link", "ul", "ol", "h3"]

AGREE_OPTIONS = [
    {"key": "strongly_agree", "label": _("Strongly agree")},
    {"key": "agree", "label": _("Agree")},
    {"key": "neither", "label": _("Neither agree nor disagree")},
    {"key": "disagree", "label": _("Disagree")},
    {"key": "strongly_disagree", "label": _("Strongly disagree")},
    {"key": "do_not_know", "label": _("I do not know")},
]
# A slow reader's time for one question of a kind, to tell people how long the form takes.
SECONDS_TO_ANSWER = {
    "text": 30,
    "long_text": 90,
    "single": 20,
    "multiple": 30,
    "agree": 15,
    "number": 20,
    "date": 20,
}
CHOICE_KINDS = {"single", "multiple", "agree"}


def option_key(label: str, taken: Iterable[str] = ()) -> str:
    """Return a short key for a new option: the same for the same words, unless it is taken."""
    key = hashlib.sha256(label.casefold().encode()).hexdigest()[:10]
    used = set(taken)
    return next(k for k in (key, *(f"{key}-{n}" for n in range(2, 999))) if k not in used)


def match_options(new: list[dict[str, str]], old: list[dict[str, str]]) -> list[dict[str, str]]:
    """Give edited options the keys they had: by their words first, else by their place.

    Somebody who mends a spelling keeps the answers; somebody who moves a line keeps them too.
    """
    key_of = {option["label"]: option["key"] for option in old}
    matched = [{"key": key_of.get(o["label"], ""), "label": o["label"]} for o in new]
    used = {option["key"] for option in matched if option["key"]}
    for place, option in enumerate(matched):
        if option["key"]:
            continue
        before = old[place]["key"] if place < len(old) else ""
        fresh = before if before and before not in used else ""
        option["key"] = fresh or option_key(option["label"], used | set(key_of.values()))
        used.add(option["key"])
    return matched


class OptionsBlock(blocks.FieldBlock):
    """Options typed or pasted one a line; stored as a list of key and label."""

    def __init__(self, **kwargs: Any) -> None:
        self.field = forms.CharField(
            widget=forms.Textarea(attrs={"rows": 5}),
            label=_("Options"),
            help_text=_("One a line. You can paste a list."),
        )
        super().__init__(**kwargs)

    def value_for_form(self, value: Any) -> str:
        return "\n".join(option["label"] for option in value or [])

    def value_from_form(self, value: Any) -> list[dict[str, str]]:
        labels = [" ".join(line.split()) for line in str(value or "").splitlines()]
        return match_options([{"key": "", "label": label} for label in labels if label], [])

    def clean(self, value: Any) -> Any:
        labels = [option["label"] for option in value or []]
        if len(labels) < 2:
            raise ValidationError(_("Enter at least two options, one a line"))
        if len(labels) > MOST_OPTIONS:
            raise ValidationError(_("Enter %(most)s options or fewer") % {"most": MOST_OPTIONS})
        if len({label.casefold() for label in labels}) < len(labels):
            raise ValidationError(_("Two options are the same. Change or remove one"))
        return value

    def get_default(self) -> list[dict[str, str]]:
        return []

    class Meta:
        icon = "list-ul"
        default: list[dict[str, str]] = []


class QuestionBlock(blocks.StructBlock):
    """What every kind of question has."""

    label = blocks.CharBlock(label=_("Question"), max_length=500)
    hint = blocks.CharBlock(label=_("Hint"), required=False, max_length=500)
    required = blocks.BooleanBlock(label=_("Must be answered"), required=False)

    class Meta:
        label_format = "{label}"


class ChoiceQuestionBlock(QuestionBlock):
    options = OptionsBlock(label=_("Options"))


class QuestionStreamBlock(blocks.StreamBlock):
    """The kinds of question. A kind is also the name under which its answers are understood."""

    text = QuestionBlock(label=_("Short answer"), icon="minus")
    long_text = QuestionBlock(label=_("Long answer"), icon="pilcrow")
    single = ChoiceQuestionBlock(label=_("Choose one"), icon="radio-full")
    multiple = ChoiceQuestionBlock(label=_("Choose any"), icon="tick-inverse")
    agree = QuestionBlock(label=_("Agree or disagree"), icon="order")
    number = QuestionBlock(label=_("Number"), icon="decimal")
    date = QuestionBlock(label=_("Date"), icon="date")
    guidance = blocks.RichTextBlock(
        label=_("Words between questions"), icon="info-circle", features=GUIDANCE_FEATURES
    )


class QuestionsField(StreamField):
    """A StreamField whose block definitions stay out of migrations."""

    def __init__(self, block_types: Any = None, **kwargs: Any) -> None:
        kwargs.pop("block_lookup", None)
        super().__init__(block_types or QuestionStreamBlock(), **kwargs)

    def deconstruct(self) -> Any:
        name, path, _args, kwargs = super().deconstruct()
        kwargs.pop("block_lookup", None)
        return name, path, [], kwargs


class Definition:
    """A questionnaire as plain data, and the digest by which its version is known."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self.items = items

    @classmethod
    def of_stream(cls, stream: Any) -> Definition:
        """Read the blocks of a page; a block without an id (a preview) gets its position."""
        return cls([_item(place, child) for place, child in enumerate(stream or [])])

    @property
    def questions(self) -> list[dict[str, Any]]:
        return [item for item in self.items if item["kind"] != "guidance"]

    @property
    def minutes(self) -> int:
        """About how many minutes it takes to answer everything, at least one."""
        seconds = sum(SECONDS_TO_ANSWER[question["kind"]] for question in self.questions)
        return max(1, round(seconds / 60))

    @cached_property
    def digest(self) -> str:
        text = json.dumps(self.items, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def readable(self, answers: dict[str, Any]) -> list[tuple[str, str]]:
        """Return each question's label with its answer in words; "" where there is none."""
        return [
            (question["label"], _in_words(question, answers.get(question["key"])))
            for question in self.questions
        ]


def _item(place: int, child: Any) -> dict[str, Any]:
    key = child.id or f"place-{place}"
    if child.block_type == "guidance":
        return {"key": key, "kind": "guidance", "html": child.value.source}
    item = {
        "key": key,
        "kind": child.block_type,
        "label": child.value["label"],
        "hint": child.value["hint"],
        "required": child.value["required"],
    }
    if child.block_type == "agree":
        item["options"] = [{"key": o["key"], "label": str(o["label"])} for o in AGREE_OPTIONS]
    elif child.block_type in CHOICE_KINDS:
        item["options"] = child.value["options"]
    return item


def _in_words(question: dict[str, Any], answer: Any) -> str:
    if answer in (None, "", []):
        return ""
    if question["kind"] in CHOICE_KINDS:
        labels = {option["key"]: option["label"] for option in question["options"]}
        chosen = answer if isinstance(answer, list) else [answer]
        return ", ".join(str(labels.get(key, key)) for key in chosen)
    if question["kind"] == "date":
        return _day_in_words(str(answer))
    return str(answer)


def _day_in_words(text: str) -> str:
    """Return a stored date as people write it; what was typed and is no date stays as it is."""
    try:
        return date_format(datetime.date.fromisoformat(text), "j F Y")
    except ValueError:
        return text


def keep_option_keys(new_stream: Any, old_stream: Any) -> None:
    """Carry option keys over from the questionnaire that was edited, question by question."""
    before = {child.id: child for child in old_stream or [] if child.id}
    for child in new_stream or []:
        old = before.get(child.id)
        if child.block_type in ("single", "multiple") and old is not None:
            old_options = old.value.get("options") if hasattr(old.value, "get") else None
            child.value["options"] = match_options(child.value["options"], old_options or [])
