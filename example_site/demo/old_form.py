"""A form of the site from the time before consultations, with what people sent by it."""

from __future__ import annotations

import random
from typing import Any

from home.models import FormField, FormPage, HomePage
from wagtail.contrib.forms.models import FormSubmission

from .calendar import moment, some_time
from .people import Crowd

OPENED, CLOSED = -760, -700
OFTEN = ("Every day", "Every week", "Less often")
HELPS = ("A shelter", "A seat", "A raised kerb", "The times on a screen", "A light")
STOPS = ("Station Square", "Mill Road, bridge", "Canal Basin", "Northfield Green", "Elm Park gate")
SAID = (
    "The timetable behind the glass is two years old.",
    "Nowhere to sit, and the bus is often late.",
    "In the rain everybody stands in the doorway of the chemist.",
    "The step up is too high for my mother.",
    "It is fine as it is.",
)
# Kind, label, choices, whether it has to be answered.
FIELDS = (
    ("singleline", "Which bus stop is it?", (), True),
    ("radio", "How often do you use it?", OFTEN, True),
    ("checkboxes", "What would help?", HELPS, False),
    ("multiline", "Anything else?", (), False),
    ("email", "Email address", (), False),
)


def ask_as_before(crowd: Crowd, *, submissions: int) -> None:
    """Build the form page and let people have filled it in."""
    page = HomePage.objects.get().add_child(
        instance=FormPage(
            title="Your bus stop",
            slug="your-bus-stop",
            introduction="<p>Tell us about the stop that you use. We mend 20 of them this year.</p>",
            thanks="<p>Thank you. We read every answer.</p>",
            owner=crowd.place.users["lead"],
        )
    )
    keys = [_add_field(page, place, *field) for place, field in enumerate(FIELDS)]
    start, end = moment(OPENED), moment(CLOSED)
    times = sorted(some_time(crowd.rng, start, end) for _number in range(submissions))
    rows = [
        FormSubmission(page=page, form_data=dict(zip(keys, _fill_in(crowd), strict=True)))
        for _time in times
    ]
    FormSubmission.objects.bulk_create(rows)
    for row, time in zip(FormSubmission.objects.order_by("pk"), times, strict=True):
        FormSubmission.objects.filter(pk=row.pk).update(submit_time=time)


def _add_field(
    page: FormPage, place: int, kind: str, label: str, choices: tuple[str, ...], required: bool
) -> str:
    """Add one question; return the name under which its answers are kept."""
    field = FormField(
        page=page,
        sort_order=place,
        field_type=kind,
        label=label,
        choices="\n".join(choices),
        required=required,
    )
    field.save()
    return str(field.clean_name)


def _fill_in(crowd: Crowd) -> tuple[Any, ...]:
    rng: random.Random = crowd.rng
    wishes = [wish for wish in HELPS if rng.random() < 0.4]
    said = rng.choice(SAID) if rng.random() < 0.5 else ""
    _name, address = crowd.identity() if rng.random() < 0.4 else ("", "")
    return rng.choice(STOPS), rng.choice(OFTEN), wishes, said, address
