"""The last step of the editor shows again what somebody filled in and could not send."""

import pytest

from .test_screens import ALL, editor, login, press_send

pytestmark = pytest.mark.django_db


def test_what_was_filled_in_is_there_again_with_what_is_wrong_beside_it(client, draft, people):
    login(client, *ALL)
    shown = press_send(client, draft, start="time", starts_at="2020-01-02T03:04", remind_days="99")
    form = shown.context["send_form"]
    assert form["starts_at"].errors == ["Enter a time that has not passed."]
    assert form["remind_days"].errors == ["Enter a number of days from 1 to 60, or nothing."]
    assert 'value="2020-01-02T03:04"' in shown.text and 'value="99"' in shown.text


def test_more_people_than_were_shown_leave_the_plan_as_it_was(client, draft, people):
    login(client, *ALL)
    shown = press_send(client, draft, shown_count="2", start="now", remind_days="7")
    form = shown.context["send_form"]
    assert form["remind_days"].value() == "7" and form["shown_count"].value() == 5


@pytest.mark.parametrize(
    "query", ["start=%00&typed=%3Cq%3E", "start=now&shown_count=x&starts_at=y"]
)
def test_nonsense_in_the_address_is_harmless(client, draft, people, query):
    login(client, *ALL)
    shown = client.get(f"{editor(draft)}?{query}")
    assert shown.status_code == 200 and "<q>" not in shown.text
    assert shown.context["send_form"]["shown_count"].value() == 5
