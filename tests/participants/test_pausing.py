import datetime

import pytest
from django.utils import timezone

from tests import factories
from tests.participants.post import HANDLE, open_link, press
from wagtail_engagement.consent import settling
from wagtail_engagement.consent.queries import current_wordings
from wagtail_engagement.participants import renewing

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def pause(client, page, months=3):
    form = {"handle": HANDLE.search(page.content.decode()).group(1), "pause": "1"}
    return client.post("/engagement/choices/", {**form, "months": months}, follow=True)


def standing(person):
    return person.permissions.get(purpose="invite").reason


def test_a_pause_says_until_when_and_ends_by_itself(client, person, link_to):
    text = pause(client, open_link(client, link_to("choices"))).content.decode()
    row = person.permissions.get()
    assert not row.may_write and standing(person) == "paused"
    until = timezone.localtime(row.recheck_at)
    assert f"Paused until {until.day} {until:%B %Y}" in text
    settling.settle_due(at=row.recheck_at)
    assert standing(person) == "granted"


def test_a_pause_can_be_ended_at_once(client, person, link_to):
    page = pause(client, open_link(client, link_to("choices")))
    text = press(client, page, "go_on").content.decode()
    assert standing(person) == "granted" and "You have ended the pause" in text


def test_saving_topics_while_paused_leaves_the_pause(client, person, link_to):
    topic = factories.InterestFactory()
    page = pause(client, open_link(client, link_to("choices")))
    assert page.context["form"]["invite"].value()
    form = {
        "handle": HANDLE.search(page.content.decode()).group(1),
        "wording": current_wordings("en")["invite"].pk,
        "invite": "on",
        "interests": [topic.pk],
    }
    client.post("/engagement/choices/", form)
    assert standing(person) == "paused" and person.interest_links.get().interest == topic


def test_somebody_who_left_has_nothing_to_pause(client, link_to):
    gone = factories.ParticipantFactory(left=True)
    page = open_link(client, link_to("choices", gone))
    assert "Pause invitations for" not in page.content.decode()
    pause(client, page)
    assert standing(gone) == "stopped" and gone.consent_events.count() == 1


@pytest.mark.parametrize("months", ["", "2", "x", "\x00", "-1", "9" * 40])
def test_a_pause_of_no_length_that_is_offered_is_refused(client, person, link_to, months):
    text = pause(client, open_link(client, link_to("choices")), months).content.decode()
    assert "Choose for how long to pause" in text and standing(person) == "granted"


def test_leaving_while_paused_stays_left_after_the_pause(client, person, link_to):
    page = pause(client, open_link(client, link_to("choices")))
    press(client, page, "leave")
    settling.settle([person.pk], at=timezone.now() + 400 * DAY)
    assert standing(person) == "stopped"


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2026-11-15", 3, "2027-02-15"),
        ("2028-02-29", 12, "2029-02-28"),
    ],
)
def test_months_end_on_the_same_day_or_on_the_last(day, months, later):
    start = datetime.datetime.fromisoformat(day)
    assert renewing.months_later(start, months) == datetime.datetime.fromisoformat(later)
