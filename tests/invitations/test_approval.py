"""Above a number of people a second person sends an invitation, and nothing goes past that."""

import pytest
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests.factories import ParticipantFactory, UserFactory
from wagtail_engagement.invitations import approval, asking, queries, sending
from wagtail_engagement.models import Delivery, Invitation, Team

from .test_screens import ALL, editor, login, press_send, typed, url

pytestmark = pytest.mark.django_db
WHOLE = (*ALL, "approve")


@pytest.fixture(autouse=True)
def four_people_need_no_second_person(settings):
    settings.WAGTAIL_ENGAGEMENT_APPROVAL_ABOVE = 4


@pytest.fixture
def asked(draft, people):
    """A draft for which its author asked a second person."""
    author = UserFactory(first_name="Sam", last_name="Reed")
    Invitation.objects.update(edited_by=author)
    asking.ask(invitation=draft, count=5, actor=author, at=timezone.now())
    draft.refresh_from_db()
    return draft


def test_who_asks_sees_that_it_waits_and_cannot_send_it(client, draft, people):
    login(client, *WHOLE)
    page = client.get(editor(draft)).text
    assert "Ask a second person" in page and "Send to 5 people" not in page
    shown = {"shown_version": queries.version(draft)}
    page = client.post(url("ask", draft.pk), shown, follow=True).text
    assert "You asked a second person on" in page and "Send to 5 people" not in page
    assert "A second person has to look at this" in press_send(client, draft).text
    assert not Delivery.objects.exists()


def test_a_second_person_sees_who_asked_and_sends_it(client, asked):
    login(client, *WHOLE)
    page = client.get(editor(asked)).text
    assert "Sam Reed asked a second person on" in page and "gone to 5 people then" in page
    press_send(client, asked)
    assert Delivery.objects.count() == 5


def test_without_the_permission_to_approve_nobody_is_the_second_person(client, asked):
    login(client, *ALL)
    assert "Send to 5 people" not in client.get(editor(asked)).text
    assert "A second person has to look at this" in press_send(client, asked).text
    assert not Delivery.objects.exists()


def test_who_made_the_last_change_is_not_the_second_person(client, draft, people):
    editor_of_it = login(client, *WHOLE)
    client.post(editor(draft), typed(draft, subject="My own words"))
    draft.refresh_from_db()
    assert draft.edited_by == editor_of_it
    asking.ask(invitation=draft, count=5, actor=UserFactory(), at=timezone.now())
    assert "You made the last change" in client.get(editor(draft)).text
    assert "A second person has to look at this" in press_send(client, draft).text


def test_who_saves_without_a_change_may_still_be_the_second_person(client, asked):
    login(client, *WHOLE)
    same = typed(asked, opening="null", not_invited_days=str(asked.not_invited_days))
    client.post(editor(asked), same)
    assert approval.is_asked_for(Invitation.objects.get())
    press_send(client, asked)
    assert Delivery.objects.count() == 5


def test_a_change_after_asking_asks_anew(client, asked):
    login(client, *WHOLE)
    client.post(editor(asked), typed(asked, subject="Better words"))
    page = client.get(editor(asked)).text
    assert "It was changed after Sam Reed asked" in page and "Send to 5 people" not in page
    asked.refresh_from_db()
    assert "A second person has to look at this" in press_send(client, asked).text


def test_another_sender_name_of_the_team_asks_anew(draft, people):
    team = Team.objects.create(name="Parks", sender_name="Parks team")
    draft.team = team
    draft.save()
    asking.ask(invitation=draft, count=5, actor=UserFactory(), at=timezone.now())
    Team.objects.update(sender_name="Somebody else")
    assert not approval.is_asked_for(Invitation.objects.get())


def test_more_people_than_the_second_person_saw_are_not_written_to(client, asked):
    login(client, *WHOLE)
    ParticipantFactory(agreed=True)
    assert "now reach 6 people" in press_send(client, asked, shown_count=5).text
    assert not Delivery.objects.exists()


def test_a_number_that_is_made_up_does_not_get_past_it(client, draft, people):
    login(client, *WHOLE)
    for number in (1, 4, 9999):
        assert (
            "A second person"
            in press_send(client, draft, shown_count=number, typed=str(number)).text
        )
    assert not Delivery.objects.exists()


def test_people_who_join_while_it_starts_are_counted_too(draft, people, monkeypatch, settings):
    settings.WAGTAIL_ENGAGEMENT_APPROVAL_ABOVE = 5
    freeze = sending._freeze
    monkeypatch.setattr(sending, "_freeze", lambda *facts: freeze(*facts) + 1)
    with pytest.raises(sending.CannotStart):
        sending.start(
            invitation=draft, shown_count=9, actor=UserFactory(superuser=True), at=timezone.now()
        )
    assert not Delivery.objects.exists()


def test_what_was_changed_since_it_was_shown_is_not_asked_for(client, draft, people):
    login(client, *WHOLE)
    seen = {"shown_version": queries.version(draft)}
    Invitation.objects.update(subject="Changed by a colleague")
    assert "Somebody has changed" in client.post(url("ask", draft.pk), seen, follow=True).text
    assert Invitation.objects.get().asked_by is None


def test_asking_can_be_taken_back(client, asked):
    login(client, *WHOLE)
    page = client.post(url("take_back", asked.pk), follow=True).text
    assert "Nobody is asked to send this any more." in page and "Ask a second person" in page
    assert "A second person has to look at this" in press_send(client, asked).text
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.invitation_ask_taken_back")
    assert entry.object_id == str(asked.pk)


def test_nobody_is_asked_once_it_has_started(client, asked):
    login(client, *WHOLE)
    press_send(client, asked)
    for name in ("ask", "take_back"):
        sent = {"shown_version": queries.version(asked)}
        assert (
            "had been started already" in client.post(url(name, asked.pk), sent, follow=True).text
        )
    assert Invitation.objects.get().asked_by.first_name == "Sam"


def test_up_to_the_number_one_person_sends_alone(client, draft, people, settings):
    settings.WAGTAIL_ENGAGEMENT_APPROVAL_ABOVE = 5
    login(client, *ALL)
    press_send(client, draft)
    assert Delivery.objects.count() == 5
