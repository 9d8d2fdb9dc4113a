"""The same form twice: as our consultation page and as a plain Wagtail form page."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.test import Client
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from wagtail.contrib.forms.models import FormSubmission

from tests.site import EVERY_ANSWER, EVERY_KIND, add_consultation, home, key_of
from wagtail_engagement.consent.models import Purpose
from wagtail_engagement.consultations.models import ConsultationResponse
from wagtail_engagement.consultations.questions import AGREE_OPTIONS, Definition
from wagtail_engagement.participants.models import Interest

from .plain.models import PlainFormField, PlainFormPage

TOPICS = ["Parks", "Cycling", "Schools", "Housing", "Libraries", "Buses"]
# What our kinds of question are called in Wagtail's own form builder.
PLAIN_KINDS = {
    "text": "singleline",
    "long_text": "multiline",
    "single": "radio",
    "multiple": "checkboxes",
    "agree": "radio",
    "number": "number",
    "date": "date",
}
DATE_ASKED = "When were you last there?"
# What everybody answers: the words of tests.site.EVERY_ANSWER.
SAID: dict[str, Any] = {
    "Which park?": "Mill Meadow",
    "What should change?": "More benches.\nFewer cars.",
    "How often do you go?": "Weekly",
    "What do you do there?": ["Walk", "Play"],
    "The park feels safe": "Agree",
    "How many minutes away?": "12",
    DATE_ASKED: "2026-03-27",
}
EMAIL_ASKED = "Email address"
BOXES = ["Tell me the result", "Invite me to others"]
TOPICS_ASKED = "Which topics do you care about?"
OK, FOUND = 200, 302
URLENCODED = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Stored:
    """What came of one form, in words: the same whoever stored it."""

    email: str
    answers: dict[str, str]
    topics: list[str]
    ticked: int


def questions() -> Iterator[tuple[str, str, list[str]]]:
    """Kind, words and options of every question."""
    for question in EVERY_KIND:
        if question["type"] == "agree":
            yield "agree", question["value"]["label"], [str(o["label"]) for o in AGREE_OPTIONS]
        elif question["type"] != "guidance":
            options = question["value"].get("options", [])
            yield question["type"], question["value"]["label"], [o["label"] for o in options]


class Variant:
    """One page as a resident's browser uses it, cookie and CSRF token included."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.url = page.url
        self.client = Client(enforce_csrf_checks=True)
        self.sent = itertools.count()
        self.form = self.client.get(self.url).context_data["form"]

    def get(self) -> None:
        assert self.client.get(self.url).status_code == OK

    def post(self) -> Any:
        token = self.client.cookies["csrftoken"].value
        data = {"csrfmiddlewaretoken": token, **self.typed(f"r{next(self.sent)}@example.com")}
        # As browsers send a form without files; the test client's own way costs both more.
        return self.client.post(self.url, urlencode(data, doseq=True), content_type=URLENCODED)

    def post_and_read(self) -> None:
        raise NotImplementedError

    def typed(self, email: str) -> dict[str, Any]:
        raise NotImplementedError

    def stored(self) -> list[Stored]:
        """Everything that was stored."""
        raise NotImplementedError


class Ours(Variant):
    """A consultation page; a POST stores a response, its typed answers, contact and claim."""

    def __init__(self) -> None:
        self.topics = [Interest.objects.create(name=t, slug=t.lower()) for t in TOPICS]
        super().__init__(add_consultation(interests=self.topics[:2]))
        hidden = {field.html_name: field.value() or "" for field in self.form.hidden_fields()}
        minutes = f"q-{key_of('How many minutes away?')}"
        boxes = {f"may_{purpose}": "on" for purpose in Purpose.values}
        topics = [str(self.topics[0].pk), str(self.topics[1].pk)]
        self.same = {**hidden, **EVERY_ANSWER, minutes: "12", **boxes, "topics": topics}

    def typed(self, email: str) -> dict[str, Any]:
        return {**self.same, "email": email, "submission_key": uuid.uuid4().hex}

    def post(self) -> Any:
        response = super().post()
        assert response.status_code == FOUND, response.context_data["form"].errors
        return response

    def post_and_read(self) -> None:
        assert self.client.get(self.post().url).status_code == OK

    def stored(self) -> list[Stored]:
        rows = ConsultationResponse.objects.counted().filter(consultation=self.page.consultation)
        return [self._in_words(row) for row in rows.select_related("contact", "claim")]

    def _in_words(self, row: ConsultationResponse) -> Stored:
        named = {topic.pk: topic.name for topic in self.topics}
        answers = dict(Definition(row.form_version.definition).readable(row.answers))
        # A multiple answer has a row for each ticked option.
        assert row.answer_rows.count() == len(answers) + 1
        return Stored(
            email=row.contact.email,
            answers=answers,
            topics=[named[pk] for pk in row.claim.interest_ids],
            ticked=len(row.claim.purposes),
        )


class Plain(Variant):
    """A plain form page; a POST stores one row of JSON and shows the thanks at once."""

    def __init__(self) -> None:
        page = home().add_child(instance=PlainFormPage(title="A plain form"))
        asked = [
            *((PLAIN_KINDS[kind], label) for kind, label, _options in questions()),
            ("email", EMAIL_ASKED),
            *(("checkbox", label) for label in BOXES),
            ("checkboxes", TOPICS_ASKED),
        ]
        choices = {label: options for _kind, label, options in questions()}
        choices[TOPICS_ASKED] = TOPICS
        for place, (kind, label) in enumerate(asked):
            PlainFormField.objects.create(
                page=page,
                sort_order=place,
                label=label,
                field_type=kind,
                required=False,
                choices="\n".join(choices.get(label, [])),
            )
        super().__init__(page)
        self.names = {field.label: field.html_name for field in self.form}
        said = {**SAID, **dict.fromkeys(BOXES, "on"), TOPICS_ASKED: TOPICS[:2]}
        self.same = {self.names[label]: value for label, value in said.items()}

    def typed(self, email: str) -> dict[str, Any]:
        return {**self.same, self.names[EMAIL_ASKED]: email}

    def post(self) -> Any:
        response = super().post()
        assert response.status_code == OK, response.status_code
        assert "form_submission" in response.context_data, response.context_data["form"].errors
        return response

    def post_and_read(self) -> None:
        self.post()

    def stored(self) -> list[Stored]:
        rows = FormSubmission.objects.filter(page=self.page)
        return [self._in_words(row.form_data) for row in rows]

    def _in_words(self, data: dict[str, Any]) -> Stored:
        words = {label: _in_words(data[self.names[label]]) for label in SAID}
        return Stored(
            email=data[self.names[EMAIL_ASKED]],
            answers=words,
            topics=data[self.names[TOPICS_ASKED]],
            ticked=sum(data[self.names[label]] for label in BOXES),
        )


def _in_words(value: Any) -> str:
    """Options are listed, and a stored date is written as people do."""
    if isinstance(value, list):
        return ", ".join(value)
    return date_format(parse_date(value), "j F Y") if value == SAID[DATE_ASKED] else str(value)
