"""A small site for tests: pages with questions, and answers that fit them."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from django.utils import timezone
from wagtail.models import Site

from wagtail_engagement.consultations.questions import option_key
from wagtail_engagement.pages.models import (
    ConsultationIndexPage,
    ConsultationPage,
    RegistrationPage,
)

DAY = datetime.timedelta(days=1)


def key_of(name: str) -> str:
    """The block id of the question that `block` makes under a name."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def block(kind: str, label: str, *, options: list[str] | None = None, **more: Any) -> dict:
    """A question as the page stores it. Its key follows from its label."""
    value: Any = {"label": label, "hint": "", "required": False, **more}
    if options:
        value["options"] = [{"key": option_key(o), "label": o} for o in options]
    if kind == "guidance":
        value = label
    return {"type": kind, "id": key_of(label), "value": value}


EVERY_KIND = [
    block("guidance", "<p>First, the park.</p>"),
    block("text", "Which park?"),
    block("long_text", "What should change?"),
    block("single", "How often do you go?", options=["Daily", "Weekly", "Never"]),
    block("multiple", "What do you do there?", options=["Walk", "Cycle", "Play"]),
    block("agree", "The park feels safe"),
    block("number", "How many minutes away?"),
    block("date", "When were you last there?"),
]
EVERY_ANSWER = {
    f"q-{key_of('Which park?')}": "Mill Meadow",
    f"q-{key_of('What should change?')}": "More benches.\nFewer cars.",
    f"q-{key_of('How often do you go?')}": option_key("Weekly"),
    f"q-{key_of('What do you do there?')}": [option_key("Walk"), option_key("Play")],
    f"q-{key_of('The park feels safe')}": "agree",
    f"q-{key_of('How many minutes away?')}": "1,200",
    f"q-{key_of('When were you last there?')}_day": "27",
    f"q-{key_of('When were you last there?')}_month": "3",
    f"q-{key_of('When were you last there?')}_year": "2026",
}


def home() -> Any:
    """The root page of the default site, which Wagtail's own migrations make."""
    return Site.objects.get(is_default_site=True).root_page.specific


def add_consultation(*, parent: Any = None, interests: Any = (), **values: Any) -> ConsultationPage:
    """Publish a consultation page that is open, unless its dates say otherwise."""
    now = timezone.now()
    values.setdefault("title", "The future of Mill Meadow")
    values.setdefault("opens_at", now - DAY)
    values.setdefault("closes_at", now + 14 * DAY)
    values.setdefault("questions", EVERY_KIND)
    questions = values.pop("questions")
    values.setdefault("summary", "Tell us what you want of it.")
    page = ConsultationPage(**values)
    page.questions = page._meta.get_field("questions").to_python(questions)
    page.interests = list(interests)
    return (parent or home()).add_child(instance=page)


def add_index(**values: Any) -> ConsultationIndexPage:
    return home().add_child(instance=ConsultationIndexPage(**{"title": "Have your say", **values}))


def add_sign_up(**values: Any) -> RegistrationPage:
    return home().add_child(instance=RegistrationPage(**{"title": "Hear from us", **values}))


def form_data(client: Any, page: Any, **typed: Any) -> dict[str, Any]:
    """What a browser would post from a page: its hidden fields, and what was typed."""
    form = client.get(page.url).context["form"]
    hidden = {field.html_name: field.value() or "" for field in form.hidden_fields()}
    return {**hidden, **typed}
