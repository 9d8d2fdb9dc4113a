"""Whom an invitation reaches, and why somebody is left out."""

import datetime
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import factories
from wagtail_engagement.consent import settling
from wagtail_engagement.invitations.audience import Audience, Exclusion
from wagtail_engagement.models import ContactPermission, Delivery, Participant
from wagtail_engagement.participants import merging

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def reached(invitation):
    return set(Audience.of(invitation, at=timezone.now()).eligible())


def why(invitation):
    return Audience.of(invitation, at=timezone.now()).counts().left_out


def person(*interests, **values):
    return factories.ParticipantFactory(agreed=True, interests=interests, **values)


def test_without_topics_everybody_who_agreed_is_reached(draft):
    agreed = person()
    factories.ParticipantFactory()
    assert reached(draft) == {agreed}


@pytest.mark.parametrize("match", ["any", "all"])
def test_who_named_no_topic_at_all_cares_about_everything(draft, match):
    parks, roads = factories.InterestFactory.create_batch(2)
    nothing, left_parks = person(), person()
    factories.ParticipantInterestFactory(participant=left_parks, interest=parks, removed=True)
    person(factories.InterestFactory())
    draft.match = match
    draft.interests.set([roads])
    assert reached(draft) == {nothing, left_parks}


def test_without_topics_of_the_invitation_who_chose_others_is_left_out(draft):
    roads, old, parks = factories.InterestFactory.create_batch(3)
    merged = factories.InterestFactory(merged_into=parks)
    draft.consultation.interests.set([old, merged])
    fitting = {person(parks, roads), person(old), person()}
    person(roads)
    shown = person()
    factories.ParticipantInterestFactory(participant=shown, interest=roads, inferred=True)
    assert reached(draft) == fitting | {shown}
    assert why(draft) == {Exclusion.NOT_INTERESTED: 1}


def test_any_topic_is_enough_or_all_are_asked_for(draft):
    parks, roads = factories.InterestFactory.create_batch(2)
    both, one = person(parks, roads), person(parks)
    person(factories.InterestFactory())
    draft.interests.set([parks, roads])
    assert reached(draft) == {both, one}
    draft.match = "all"
    assert reached(draft) == {both}


def test_taking_part_tells_only_about_people_who_chose_nothing(draft):
    parks, roads = factories.InterestFactory.create_batch(2)
    chose_nothing, chose_roads = person(), person(roads)
    for someone in (chose_nothing, chose_roads):
        factories.ParticipantInterestFactory(participant=someone, interest=parks, inferred=True)
    draft.interests.set([parks])
    assert reached(draft) == {chose_nothing}


def test_a_topic_that_was_taken_away_no_longer_counts(draft):
    parks = factories.InterestFactory()
    factories.ParticipantInterestFactory(participant=person(), interest=parks, removed=True)
    draft.interests.set([parks])
    assert reached(draft) == set()
    assert why(draft) == {Exclusion.NOT_INTERESTED: 1}


@pytest.mark.parametrize("chosen", ["merged", "kept"])
def test_merged_topics_reach_the_people_of_both(draft, chosen):
    kept = factories.InterestFactory()
    merged = factories.InterestFactory(merged_into=kept)
    people = {person(kept), person(merged)}
    draft.interests.set([{"kept": kept, "merged": merged}[chosen]])
    assert reached(draft) == people


def test_who_has_answered_is_not_asked_again(draft):
    form = draft.consultation.form_versions.get()
    factories.ConsultationResponseFactory(form_version=form, participant=person())
    held = person()
    factories.ConsultationResponseFactory(form_version=form, participant=held, held=True)
    assert reached(draft) == {held}
    assert why(draft) == {Exclusion.ANSWERED: 1}


def test_who_was_invited_lately_is_left_in_peace(draft):
    now = timezone.now()
    for days in (29, 31):
        factories.DeliveryFactory(
            participant=person(), state="accepted", handed_at=now - days * DAY
        )
    factories.DeliveryFactory(participant=person(), state="refused", handed_at=now)
    assert why(draft) == {Exclusion.RECENT: 1}
    draft.not_invited_days = 0
    assert why(draft) == {}


def test_nobody_is_invited_twice_to_one_consultation_however_long_ago(draft):
    earlier = factories.InvitationFactory(consultation=draft.consultation)
    long_ago = timezone.now() - 400 * DAY
    for state in ("accepted", "uncertain", "pending"):
        factories.DeliveryFactory(
            invitation=earlier, participant=person(), state=state, handed_at=long_ago
        )
    draft.not_invited_days = 0
    assert why(draft) == {Exclusion.RECENT: 3}


def test_people_of_another_area_are_left_out_and_those_who_never_said_are_not(draft):
    draft.consultation.area = "Northside"
    here, unknown = person(area="northside"), person()
    person(area="Southside")
    assert reached(draft) == {here, unknown}
    assert why(draft) == {Exclusion.OUT_OF_AREA: 1}


def test_a_permission_that_has_just_run_out_is_none(draft):
    person()
    ContactPermission.objects.update(recheck_at=timezone.now() - DAY)
    assert why(draft) == {Exclusion.NOT_AGREED: 1}


def test_claims_that_wait_stand_beside_the_sum(draft):
    factories.ClaimFactory(email="a@example.com")
    factories.ClaimFactory(email="a@example.com")
    counts = Audience.of(draft, at=timezone.now()).counts()
    assert (counts.waiting, counts.register) == (1, 0)


@pytest.mark.parametrize("topics", [0, 3])
def test_people_are_judged_in_one_statement_and_the_rest_is_counted(draft, people, topics):
    draft.consultation.interests.set(factories.InterestFactory.create_batch(2))
    draft.interests.set(factories.InterestFactory.create_batch(topics))
    audience = Audience.of(draft, at=timezone.now())
    with CaptureQueriesContext(connection) as statements:
        audience.counts()
    assert sum("CASE WHEN" in query["sql"] for query in statements) == 1
    # Also: topics, merged ones, invitations, who is barred, everybody, the claims.
    assert len(statements) <= 7


def test_a_merged_record_is_neither_invited_nor_left_out(draft, admin_user):
    kept, merged = person(), person()
    merging.merge(kept=kept, merged=merged, actor=admin_user, at=timezone.now())
    assert reached(draft) == {kept}
    assert Audience.of(draft, at=timezone.now()).counts().register == 1


@pytest.mark.parametrize("why", ["", *Exclusion])
def test_people_behind_a_number_come_in_their_order(draft, why):
    a_random_register(random.Random(5), draft)
    numbers = Audience.of(draft, at=timezone.now()).numbers(why)
    shown = [row["person"] for row in numbers]
    assert shown == sorted(shown)
    assert [row["person"] for row in numbers[1:3]] == shown[1:3]


def test_the_sentence_says_who_they_are(draft):
    draft.interests.set([factories.InterestFactory(name=name) for name in ("Cycling", "Roads")])
    sentence = Audience.of(draft, at=timezone.now()).sentence(1204)
    assert sentence == (
        "1,204 people: interested in Cycling or Roads, or in no topic in particular,"
        " may be invited, not invited in the last 30 days, have not answered."
    )
    draft.interests.clear()
    sentence = Audience.of(draft, at=timezone.now()).sentence(2)
    assert sentence.startswith("2 people: may be invited, have not chosen other topics only, not")


def told(**values):
    """Somebody who was told that we write, and did not agree by themselves."""
    someone = factories.ParticipantFactory(**values)
    factories.ConsentEventFactory(participant=someone, action="informed")
    settling.settle([someone.pk], at=timezone.now())
    return someone


def test_what_is_sold_is_told_only_to_people_who_agreed(draft):
    agreed = person()
    both = told(must_be_notified=True)
    factories.ConsentEventFactory(participant=both)
    settling.settle([both.pk], at=timezone.now())
    others = {told(), told(must_be_notified=True)}
    assert reached(draft) == {agreed, both} | others
    draft.is_promotional = True
    assert reached(draft) == {agreed, both}
    assert why(draft) == {Exclusion.NOT_AGREED: 2}
    audience = Audience.of(draft, at=timezone.now())
    assert set(audience.left_out(Exclusion.NOT_AGREED)) == others
    assert audience.sentence(2).startswith("2 people: agreed to be invited,")


def test_no_law_asks_to_tell_anybody_of_what_is_sold(draft):
    draft.consultation.area, draft.is_promotional = "Hove", True
    person(area="Lewes", must_be_notified=True)
    assert why(draft) == {Exclusion.OUT_OF_AREA: 1}


def a_random_register(chance, draft):
    """Sixty people in every state there is, several of them at once."""
    form = draft.consultation.form_versions.get()
    topics = factories.InterestFactory.create_batch(3)
    draft.interests.set(topics[:2])
    now = timezone.now()
    for _ in range(60):
        someone = factories.ParticipantFactory(area=chance.choice(["", "North", "South"]))
        standing = chance.choice([*ContactPermission.Reason.values, *["granted"] * 6, None])
        if standing:
            factories.ContactPermissionFactory(
                participant=someone,
                may_write=standing == "granted",
                reason=standing,
                is_by_consent=standing == "granted" and chance.random() < 0.7,
            )
        for topic in chance.sample(topics, chance.randint(0, 2)):
            factories.ParticipantInterestFactory(
                participant=someone, interest=topic, origin=chance.choice(["declared", "inferred"])
            )
        if chance.random() < 0.3:
            factories.ConsultationResponseFactory(form_version=form, participant=someone)
        if chance.random() < 0.3:
            state = chance.choice(Delivery.State.values)
            factories.DeliveryFactory(participant=someone, state=state, handed_at=now)


@pytest.mark.parametrize("seed", range(4))
def test_every_person_is_invited_or_left_out_for_exactly_one_reason(draft, seed):
    draft.is_promotional = bool(seed % 2)
    a_random_register(random.Random(seed), draft)
    audience = Audience.of(draft, at=timezone.now())
    counts = audience.counts()
    lists = {reason: set(audience.left_out(reason)) for reason in Exclusion}
    assert {reason: len(found) for reason, found in lists.items() if found} == counts.left_out
    groups = [set(audience.eligible()), *lists.values()]
    assert counts.included == len(groups[0])
    assert set().union(*groups) == set(Participant.objects.all())
    assert sum(map(len, groups)) == counts.register == 60


def test_whom_the_law_says_to_tell_is_left_out_for_no_topic_area_or_other_mail(draft):
    draft.consultation.area = "Hove"
    draft.consultation.save()
    draft.interests.set([factories.InterestFactory()])
    council = person(factories.InterestFactory(), area="Lewes", must_be_notified=True)
    other = factories.InvitationFactory()
    factories.DeliveryFactory(
        invitation=other, participant=council, state="accepted", handed_at=timezone.now()
    )
    assert reached(draft) == {council}
