"""Inviting fewer than all: who is drawn, that the sum stays true, and what is said of it."""

import datetime
from collections import Counter

import pytest
from django.utils import timezone

from tests import factories
from wagtail_engagement.invitations import affinity
from wagtail_engagement.invitations.audience import Audience
from wagtail_engagement.models import Invitation

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


@pytest.fixture
def draw(draft, start):
    """Start the draft for only so many; return the deliveries."""

    def draw(at_most, chosen_by="random", **values):
        Invitation.objects.filter(pk=draft.pk).update(
            at_most=at_most, chosen_by=chosen_by, **values
        )
        draft.refresh_from_db()
        start()
        return draft.deliveries.all()

    return draw


def person(*interests, **values):
    return factories.ParticipantFactory(agreed=True, interests=interests, **values)


def people(number, **values):
    return [person(**values) for _each in range(number)]


def codes(rows):
    return Counter(rows.values_list("chosen", flat=True))


def past(days=200, **values):
    """A consultation that is over, with its invitation."""
    ended = timezone.now() - days * DAY
    row = factories.ConsultationFactory(opens_at=ended - 30 * DAY, closes_at=ended, **values)
    return factories.InvitationFactory(consultation=row)


def was_invited(who, invitation, *, answered):
    factories.DeliveryFactory(
        invitation=invitation,
        participant=who,
        state="delivered",
        handed_at=invitation.consultation.opens_at,
        has_answered=answered,
    )


def test_everybody_is_invited_unless_a_number_says_otherwise(people, start, draft):
    start()
    assert codes(draft.deliveries.all()) == {"": 5}


def test_only_so_many_are_invited_and_the_sum_stays_the_register(draft, draw):
    people(9)
    factories.ParticipantFactory()
    counts = Audience.of(draft, at=timezone.now()).counts()
    assert (counts.included, counts.not_drawn) == (9, 0)
    assert codes(draw(4)) == {"random": 4}
    draft.refresh_from_db()
    assert (draft.recipients, draft.not_drawn, draft.exclusions) == (4, 5, {"not_agreed": 1})
    assert "chosen from 9 people at random" in draft.audience_sentence


def test_each_area_has_its_share_and_people_without_one_are_an_area_too(draw):
    for area, number in {"North": 40, "south": 15, "South": 15, "": 10}.items():
        people(number, area=area)
    found = Counter(row.participant.area.lower() for row in draw(16))
    for area, share in {"north": 8, "south": 6, "": 2}.items():
        assert abs(found[area] - share) <= 2
    assert sum(found.values()) == 16


def test_somebody_alone_in_an_area_has_the_same_chance_as_others(draft):
    from django.db import connection

    from wagtail_engagement.invitations import drawing

    people(9, area="North")
    alone = person(area="South")
    draft.at_most = 5
    drawn = 0
    for _round in range(60):
        with connection.cursor() as cursor:
            cursor.execute(*drawing.invited(Audience.of(draft, at=timezone.now())))
            rows = cursor.fetchall()
        assert len(rows) == 5
        drawn += alone.pk in [row[0] for row in rows]
    assert 8 < drawn < 52  # 30 are expected; beyond these numbers once in 10**8 runs


def test_whom_the_law_says_to_tell_is_never_drawn_out(draft, draw):
    people(6)
    told = people(3, must_be_notified=True)
    assert codes(draw(2)) == {"told": 3}
    assert {row.participant for row in draft.deliveries.all()} == set(told)
    draft.refresh_from_db()
    assert (draft.recipients, draft.not_drawn) == (3, 6)


def test_of_what_is_sold_nobody_must_be_told(draw):
    people(3, must_be_notified=True)
    assert codes(draw(1, is_promotional=True)) == {"random": 1}


def test_the_likely_ones_come_first_and_one_in_five_is_drawn_from_the_others(draw):
    people(20)
    keen = people(6)
    for who in keen:
        was_invited(who, past(), answered=True)
    rows = draw(5, "likely")
    assert codes(rows) == {"likely 0 0 101": 4, "random": 1}
    assert {row.participant for row in rows if row.chosen != "random"} < set(keen)


def test_somebody_who_answers_invitations_goes_before_somebody_who_never_does(draw):
    never, always = people(2)
    for invitation in (past(300), past(200)):
        was_invited(never, invitation, answered=False)
        was_invited(always, invitation, answered=True)
    likely = draw(2, "likely").exclude(chosen="random").get()
    assert (likely.participant, likely.chosen) == (always, "likely 0 0 202")


def test_nothing_of_a_sensitive_consultation_speaks_for_anybody(draw):
    who = people(3)[0]
    quiet = past(sensitive=True)
    was_invited(who, quiet, answered=True)
    version = factories.FormVersionFactory(consultation=quiet.consultation)
    factories.ConsultationResponseFactory(participant=who, form_version=version)
    assert codes(draw(2, "likely")) == {"random": 2}


def test_what_came_later_speaks_for_nobody(draft):
    who, at = person(), timezone.now() - 400 * DAY
    was_invited(who, past(200), answered=True)
    factories.ConsultationResponseFactory(participant=who)
    found = Audience.of(draft, at=at)
    row = found._writable().annotate(**affinity.facts(found)).get()
    assert (row.past, row.invited) == (0, 0)
