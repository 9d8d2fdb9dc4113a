import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import factories
from tests.participants.post import link_in, open_link, press, send
from wagtail_engagement.models import (
    Claim,
    ConsentEvent,
    Link,
    Participant,
    ParticipantInterest,
    ResponseContact,
    Suppression,
)
from wagtail_engagement.participants import registry

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def confirm(client, path=None):
    return press(client, open_link(client, path or link_in(send()[0])), "confirm")


def test_following_the_link_changes_nothing_and_the_button_makes_a_person(client):
    claim = factories.ClaimFactory(both=True, name="Ada")
    page = open_link(client, link_in(send()[0]))
    assert not Participant.objects.exists()
    assert "Confirm my email address" in page.content.decode()
    press(client, page, "confirm")
    person = Participant.objects.get(email=claim.email)
    assert (person.name, person.permissions.filter(may_write=True).count()) == ("Ada", 2)


def test_the_link_becomes_a_cookie_and_a_clean_address(client):
    factories.ClaimFactory()
    path = link_in(send()[0])
    response = client.get(path, secure=True)
    cookie = response.cookies["engagement_confirm"]
    assert response.url == cookie["path"] == "/engagement/confirm/"
    assert cookie["httponly"] and cookie["secure"] and cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 24 * 60 * 60
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer" and "noindex" in response["X-Robots-Tag"]


def test_a_browser_may_send_the_form_for_its_origin_is_not_hidden(client):
    factories.ClaimFactory()
    assert open_link(client, link_in(send()[0]))["Referrer-Policy"] == "same-origin"


def test_the_page_lists_what_was_ticked_and_hides_the_address(client):
    topic = factories.InterestFactory(name="Cycling")
    claim = factories.ClaimFactory(
        both=True, email="ada@example.com", interest_ids=[topic.pk], consultation__title="Park St"
    )
    text = open_link(client, link_in(send()[0])).content.decode()
    for wording in factories.models.ConsentWording.objects.filter(pk__in=claim.purposes.values()):
        assert wording.label in text
    assert "Cycling" in text and "Park St" in text and "a•••••@e•••••.com" in text
    assert "ada@example.com" not in text


def test_this_was_not_me_deletes_the_claims_and_keeps_the_response_without_an_address(client):
    claim = factories.ClaimFactory()
    contact = factories.ResponseContactFactory(response__claim=claim)
    page = press(client, open_link(client, link_in(send()[0])), "not_me")
    contact.response.refresh_from_db()
    assert contact.response.claim is None
    assert not Claim.objects.exists() and not ResponseContact.objects.exists()
    assert "We have deleted these details" in page.content.decode()


def test_a_link_confirms_exactly_the_claims_of_its_mail(client):
    listed = factories.ClaimFactory(email="ada@example.com")
    path = link_in(send()[0])
    later = factories.ClaimFactory(email="ada@example.com")
    confirm(client, path)
    listed.refresh_from_db()
    later.refresh_from_db()
    assert listed.confirmed_at and later.confirmed_at is None


def test_a_used_link_says_so_and_leads_to_the_choices(client):
    factories.ClaimFactory()
    path = link_in(send()[0])
    confirm(client, path)
    client.cookies.clear()
    assert "is confirmed" in open_link(client, path).content.decode()
    assert "Your choices" in client.get("/engagement/choices/").content.decode()


def test_a_used_link_still_says_so_when_the_ledger_is_gone(client):
    claim = factories.ClaimFactory()
    path = link_in(send()[0])
    confirm(client, path)
    registry.expire(at=claim.created_at + 900 * DAY)
    assert "is confirmed" in open_link(client, path).content.decode()


@pytest.mark.parametrize("path", ["/engagement/c/x/", "/engagement/c/" + "a" * 22 + "/"])
def test_a_forged_link_gets_the_same_plain_page(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert "This link does not work any more" in response.content.decode()
    assert not response.cookies


def test_an_expired_link_reads_like_a_forged_one(client):
    factories.ClaimFactory()
    path = link_in(send()[0])
    Link.objects.update(expires_at=timezone.now() - DAY)
    assert client.get(path).content == client.get("/engagement/c/" + "a" * 22 + "/").content


def test_a_link_opens_only_what_it_was_made_for(client):
    factories.ClaimFactory()
    path = link_in(send()[0])
    for other in "pfl":
        assert client.get(path.replace("/c/", f"/{other}/")).status_code == 404


def test_a_form_of_another_mail_in_the_same_browser_is_refused(client):
    first, second = factories.ClaimFactory(), factories.ClaimFactory()
    one, two = (link_in(message) for message in send())
    page = open_link(client, one)
    open_link(client, two)
    answer = press(client, page, "confirm")
    assert "Open the link in your email again" in answer.content.decode()
    assert not Participant.objects.exists() and first != second


def test_a_confirmation_never_overwrites_a_name_or_an_address(client):
    person = factories.ParticipantFactory(email="Ada@example.com", name="Ada")
    factories.ClaimFactory(email="ADA@example.com", name="Mallory")
    confirm(client)
    person.refresh_from_db()
    assert (person.email, person.name) == ("Ada@example.com", "Ada")


def test_each_purpose_leaves_an_event_with_the_words_that_were_shown(client):
    claim = factories.ClaimFactory(both=True)
    factories.ConsentWordingFactory()  # Newer words that nobody was shown.
    confirm(client)
    events = ConsentEvent.objects.values_list("purpose", "wording_id", "evidence", "channel")
    wanted = {(p, w, f"claim {claim.uuid}", "form") for p, w in claim.purposes.items()}
    assert set(events) == wanted


def test_a_sensitive_consultation_is_named_nowhere_but_in_the_wish_for_its_result(client):
    claim = factories.ClaimFactory(
        both=True, consultation__is_sensitive=True, consultation__title="Clinic"
    )
    message = send()[0]
    page = open_link(client, link_in(message))
    press(client, page, "confirm")
    places = dict(ConsentEvent.objects.values_list("purpose", "consultation_id"))
    assert places == {"invite": None, "result": claim.consultation_id}
    assert "Clinic" not in message.body + page.content.decode()
    assert "a consultation" in message.body


def test_the_responses_of_a_claim_get_their_person(client):
    response = factories.ConsultationResponseFactory(claim=factories.ClaimFactory())
    confirm(client)
    response.refresh_from_db()
    assert response.participant == Participant.objects.get()


def test_what_is_chosen_counts_more_than_what_taking_part_shows(client):
    cycling, roads, parks = factories.InterestFactory.create_batch(3)
    person = factories.ParticipantFactory(email="ada@example.com")
    factories.ParticipantInterestFactory(participant=person, interest=roads, removed=True)
    factories.ParticipantInterestFactory(participant=person, interest=parks, removed=True)
    ids = {"interest_ids": [cycling.pk, parks.pk], "inferred_ids": [cycling.pk, roads.pk]}
    factories.ClaimFactory(email=person.email, **ids)
    confirm(client)
    kept = person.interest_links.filter(removed_at=None).values_list("interest", "origin")
    assert set(kept) == {(cycling.pk, "declared"), (parks.pk, "declared")}


def test_an_interest_that_is_gone_or_merged_does_no_harm(client):
    new = factories.InterestFactory()
    old = factories.InterestFactory(merged_into=new)
    factories.ClaimFactory(interest_ids=[old.pk, 987654])
    confirm(client)
    assert list(ParticipantInterest.objects.values_list("interest", flat=True)) == [new.pk]


def test_after_two_weeks_only_the_result_can_be_confirmed(client):
    claim = factories.ClaimFactory(both=True, created_at=timezone.now() - 13 * DAY)
    path = link_in(send()[0])
    Claim.objects.update(invite_until=timezone.now() - DAY)
    confirm(client, path)
    assert list(ConsentEvent.objects.values_list("purpose", flat=True)) == ["result"]
    assert claim.pk == Participant.objects.get().claims.get().pk


def test_confirming_lifts_what_stood_against_these_purposes_and_no_others(client):
    claim = factories.ClaimFactory()
    factories.SuppressionFactory(address=claim.email, reason="complained")
    confirm(client)
    assert [row.purpose for row in Suppression.objects.all()] == ["result"]
    assert Participant.objects.get().permissions.get(purpose="invite").may_write


def test_two_presses_at_once_confirm_once(client):
    factories.ClaimFactory()
    page = open_link(client, link_in(send()[0]))
    press(client, page, "confirm")
    press(client, page, "confirm")
    assert ConsentEvent.objects.count() == Participant.objects.count() == 1


def test_confirming_costs_the_same_statements_for_one_and_for_many():
    def cost(claims, topics):
        mail = factories.RegisterMailFactory()
        ids = [topic.pk for topic in factories.InterestFactory.create_batch(topics)]
        for _number in range(claims):
            claim = factories.ClaimFactory(
                email=f"a{mail.pk}@example.com", mail=mail, interest_ids=ids, inferred_ids=ids
            )
            factories.ConsultationResponseFactory(claim=claim)
        with CaptureQueriesContext(connection) as statements:
            registry.register(mail=mail, at=timezone.now())
        return len(statements)

    assert cost(1, 1) == cost(20, 30) <= 12  # with the savepoint


def test_forms_that_give_different_names_give_none(client):
    factories.ClaimFactory(name="Ada Lovelace", email="ada@example.com")
    factories.ClaimFactory(name="Rude Word", email="ada@example.com")
    confirm(client)
    assert Participant.objects.get().name == ""


def test_confirming_a_second_address_finds_the_one_person():
    kept = factories.ParticipantFactory()
    factories.ParticipantFactory(email="old@example.com", merged_into=kept)
    claim = factories.ClaimFactory(email="old@example.com", mailed=True)
    assert registry.register(mail=claim.mail, at=timezone.now()) == kept
