"""What editors choose and see where not everybody is invited."""

import datetime

import pytest
from django.utils import timezone

from tests import factories
from tests.invitations.test_screens import ALL, editor, login, press_send, typed, url
from wagtail_engagement.invitations import affinity, sending
from wagtail_engagement.models import Invitation

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
SEES = ["view_participant", "view_participant_pii"]


@pytest.fixture
def limited(draft):
    """A draft for two people."""
    draft.at_most = 2
    draft.save()
    return draft


def test_a_number_changes_the_sentence_and_the_sum_before_it_is_saved(client, draft, people):
    login(client, *ALL)
    page = client.post(url("counts", draft.pk), typed(draft, at_most="2")).text
    assert "2 people: may be invited" in page
    assert "chosen from 5 people at random, from each area its share" in page
    assert "3 more could be invited and are not this time" in page


def test_the_number_and_the_way_of_choosing_are_saved(client, draft):
    login(client, *ALL)
    client.post(editor(draft), typed(draft, at_most="500", chosen_by="likely"))
    draft.refresh_from_db()
    assert (draft.at_most, draft.chosen_by) == (500, "likely")


@pytest.mark.parametrize("number", ["0", "-1", "many", "9" * 30])
def test_what_is_no_number_of_people_is_not_taken(client, draft, number):
    login(client, *ALL)
    assert client.post(url("counts", draft.pk), typed(draft, at_most=number)).status_code == 422
    client.post(editor(draft), typed(draft, at_most=number))
    draft.refresh_from_db()
    assert draft.at_most is None


def test_the_list_before_sending_says_who_could_be_invited(client, limited, people):
    login(client, *ALL, see=SEES)
    page = client.get(url("audience", limited.pk)).text
    assert "Could be invited" in page
    assert all(person.email in page for person in people)


def test_why_somebody_is_in_says_that_they_could_be_drawn(client, limited, people):
    login(client, *ALL, see=SEES)
    must = factories.ParticipantFactory(agreed=True, must_be_notified=True)
    assert "Could be drawn: " in client.get(url("why", limited.pk, people[0].pk)).text
    assert "Included: " in client.get(url("why", limited.pk, must.pk)).text
    Invitation.objects.update(at_most=6)
    assert "Included: " in client.get(url("why", limited.pk, people[0].pk)).text


def test_after_sending_each_person_has_a_reason_and_the_others_a_button(client, limited, people):
    login(client, *ALL, see=SEES)
    assert "Send to 2 people" in client.get(editor(limited)).text
    page = press_send(client, limited).text
    assert "3 more could be invited and are not this time" in page
    assert client.get(url("people", limited.pk, "waiting")).text.count("Drawn at random") == 2
    sending.work(owner="this worker")
    assert "Invite the others" in client.get(url("progress", limited.pk)).text


def test_the_draft_for_the_others_reaches_all_of_them(client, limited, people):
    login(client, *ALL)
    press_send(client, limited)
    again = sending.follow_up(invitation=limited, actor=None, at=timezone.now())
    assert "3 people: may be invited" in client.get(editor(again)).text


def test_likely_people_have_what_speaks_for_them_beside_their_name(client, limited):
    login(client, *ALL, see=SEES)
    topic = factories.InterestFactory(name="Cycling")
    limited.interests.set([topic])
    limited.chosen_by = "likely"
    limited.save()
    factories.ParticipantFactory.create_batch(3, agreed=True)
    keen = factories.ParticipantFactory(agreed=True, interests=[topic])
    factories.ConsultationResponseFactory(participant=keen, submitted_at=timezone.now() - DAY)
    assert (
        "has taken part 1 time, within the last year"
        in client.get(url("why", limited.pk, keen.pk)).text
    )
    press_send(client, limited)
    told = "Likely to take part: has taken part 1 time, within the last year; interested in Cycling"
    assert told in client.get(url("people", limited.pk, "waiting")).text


def test_the_words_follow_the_numbers():
    assert affinity.in_words("likely 1 11 302") == (
        "likely to take part: answered from 2 of 3 earlier invitations; has taken part 1 time, in"
        " the last two years; known to care about one of its topics"
    )
    assert affinity.in_words("likely 2 30 0", ["Cycling", "Roads"]) == (
        "likely to take part: has taken part 3 times; interested in Cycling and Roads"
    )
    assert affinity.in_words("") == ""
