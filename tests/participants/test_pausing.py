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


def test_whose_agreement_ends_during_the_pause_is_told_so_and_can_agree_anew(client, link_to):
    wording = factories.ConsentWordingFactory()
    old = factories.ParticipantFactory()
    given = timezone.now() - 600 * DAY
    factories.ConsentEventFactory(participant=old, at=given, wording=wording)
    settling.settle([old.pk], at=timezone.now())
    page = pause(client, open_link(client, link_to("choices", old)), months=6)
    end = timezone.localtime(given + 730 * DAY)
    said = f"runs until {end.day} {end:%B %Y}. That is before the pause is over"
    assert said in page.content.decode()
    form = {"handle": HANDLE.search(page.content.decode()).group(1), "invite": "on"}
    form["wording"] = current_wordings("en")["invite"].pk
    page = client.post("/engagement/choices/", form, follow=True)
    assert standing(old) == "paused" and "runs until" not in page.content.decode()
    settling.settle_due(at=timezone.now() + 190 * DAY)
    assert standing(old) == "granted"


def test_whose_agreement_lasts_longer_than_the_pause_is_told_of_no_end(client, link_to):
    page = pause(client, open_link(client, link_to("choices")), months=12)
    assert "Paused until" in page.content.decode() and "runs until" not in page.content.decode()


def test_an_agreement_that_ended_during_a_pause_stays_ended_whatever_the_setting(person, settings):
    renewing.pause(participant=person, months=12, at=timezone.now())
    settings.WAGTAIL_ENGAGEMENT_PERMISSION_DAYS = 100
    settling.settle_due(at=timezone.now() + 370 * DAY)
    settings.WAGTAIL_ENGAGEMENT_PERMISSION_DAYS = 730
    settling.settle([person.pk], at=timezone.now() + 370 * DAY)
    assert standing(person) == "lapsed"


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
