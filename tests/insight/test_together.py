"""Whoever may be the second person finds on the overview what waits for one, and so does who asked."""

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from tests.factories import ConsultationFactory, InvitationFactory, UserFactory
from wagtail_engagement.invitations import asking
from wagtail_engagement.models import Invitation

from .test_upkeep import OVERVIEW, in_words

pytestmark = pytest.mark.django_db
SENDS = ["change_invitation", "send_invitation"]
ASKS = "Sam Reed asks a second person to send “Bus routes” to 1,204 people."


def colleague(*codenames, **facts):
    user = UserFactory(**facts)
    names = ["access_admin", *SENDS, *codenames]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


@pytest.fixture
def sam(db):
    return colleague("approve_invitation", first_name="Sam", last_name="Reed")


@pytest.fixture
def draft(sam):
    draft = InvitationFactory(subject="Bus routes")
    asking.ask(invitation=draft, count=1204, actor=sam, at=timezone.now())
    return draft


def lines(client, user):
    client.force_login(user)
    found = client.get(OVERVIEW).context["lines"]
    return [line for line in found if "Bus routes" in line.text]


def test_a_second_person_is_told_who_asks_how_many_it_is_and_until_when(client, draft):
    (line,) = lines(client, colleague("approve_invitation"))
    assert line.text == ASKS
    closes = in_words(draft.consultation.closes_at)
    assert line.otherwise == f"If nobody sends it by {closes}, nobody is invited."
    assert f"/edit/{draft.pk}/" in line.url


def test_who_asked_is_told_that_it_waits_and_not_asked(client, draft, sam):
    (line,) = lines(client, sam)
    assert line.text == "“Bus routes” waits for a second person to send it to 1,204 people."


def test_nobody_is_asked_who_could_not_be_the_second_person(client, draft):
    author = colleague("approve_invitation")
    Invitation.objects.update(edited_by=author)
    assert lines(client, author) == []
    assert lines(client, colleague()) == []


def test_after_a_change_only_who_asked_is_told(client, draft, sam):
    Invitation.objects.update(preheader="Changed since")
    assert lines(client, colleague("approve_invitation")) == []
    (line,) = lines(client, sam)
    assert line.text == "“Bus routes” was changed after you asked a second person to send it."
    assert line.otherwise.startswith("If nobody asks anew by")


def test_what_was_taken_back_started_or_closed_is_told_to_nobody(client, draft, sam):
    others = [sam, colleague("approve_invitation")]
    Invitation.objects.update(status="sending")
    assert [lines(client, user) for user in others] == [[], []]
    Invitation.objects.update(status="draft", consultation=ConsultationFactory(closed=True))
    assert [lines(client, user) for user in others] == [[], []]
    asking.take_back(invitation=draft, actor=sam)
    Invitation.objects.update(consultation=ConsultationFactory())
    assert [lines(client, user) for user in others] == [[], []]
