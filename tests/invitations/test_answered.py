"""That somebody answered from an invitation: one flag, and never whose response it was."""

import datetime
import re

import pytest
from django.core import mail
from django.test import Client

from tests import factories
from tests.site import EVERY_ANSWER, add_consultation
from wagtail_engagement.consultations.arriving import COOKIE
from wagtail_engagement.invitations import queries, rendering, sending
from wagtail_engagement.models import ConsultationResponse, Delivery, Invitation
from wagtail_engagement.participants import links

pytestmark = pytest.mark.django_db
ADDRESS = re.compile(r"https://engage\.example\.gov\.uk(/[^\s\"]*\?i=\w+&a=[\w-]{43})")


@pytest.fixture(autouse=True)
def a_patient_site(settings):
    settings.WAGTAIL_ENGAGEMENT_QUICKEST_ANSWER = 0


@pytest.fixture
def sent(people, start):
    """The invitation is sent; by address of the person, the link in their message."""
    start()
    sending.work(owner="this worker")
    return {message.to[0]: ADDRESS.search(message.body)[1] for message in mail.outbox}


@pytest.fixture
def post(django_capture_on_commit_callbacks):
    """Send a form that was shown, and do what is done once it is stored."""

    def post(client, shown, **typed):
        fields = shown.context["form"].hidden_fields()
        hidden = {field.html_name: field.value() or "" for field in fields}
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(shown.context["form_action"], {**hidden, **EVERY_ANSWER, **typed})

    return post


@pytest.fixture
def answer(post):
    """Open an address, follow it, and send the form that it shows."""
    return lambda client, address: post(client, client.get(address, follow=True))


def answered():
    return set(
        Delivery.objects.filter(has_answered=True).values_list("participant__email", flat=True)
    )


def test_only_the_message_that_was_answered_from_counts_as_answered(sent, answer, people):
    answer(Client(), sent[people[1].email])
    assert answered() == {people[1].email}
    assert ConsultationResponse.objects.get().route == "invitation"


def test_both_forms_of_the_letter_carry_it(sent, people):
    message = next(message for message in mail.outbox if message.to == [people[0].email])
    html = message.alternatives[0][0]
    assert sent[people[0].email].replace("&", "&amp;") in html


def test_the_address_is_clean_before_anything_is_shown(client, sent, people):
    address = sent[people[0].email]
    first = client.get(address)
    assert first.status_code == 302
    assert first.url == address.partition("&a=")[0]
    assert first["Referrer-Policy"] == "no-referrer"
    assert "no-store" in first["Cache-Control"]
    cookie = first.cookies[COOKIE]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] != "/"
    token = address.partition("&a=")[2]
    page = client.get(first.url)
    assert token not in page.text and token not in page.context["form_action"]


def test_opening_a_link_alone_says_nothing(client, sent, people):
    client.get(sent[people[0].email], follow=True)
    client.head(sent[people[0].email])
    assert answered() == set()


def test_nothing_of_it_is_stored_with_the_response(sent, answer, people):
    address = sent[people[0].email]
    token = address.partition("&a=")[2]
    answer(Client(), address)
    (response,) = ConsultationResponse.objects.values()
    contact = Delivery.objects.get(has_answered=True)
    stored = str(response) + str(ConsultationResponse.objects.get().answer_rows.values())
    assert token not in stored and str(contact.uuid) not in stored
    assert (response["participant_id"], response["claim_id"]) == (None, None)


def test_a_form_that_was_opened_before_the_link_says_nothing(client, sent, post, people):
    address = sent[people[0].email]
    shown = client.get(address.partition("?")[0])
    client.get(address)
    post(client, shown)
    assert ConsultationResponse.objects.count() == 1
    assert answered() == set()


def test_a_form_that_lost_its_token_is_sent_again_and_still_counts(sent, post, people):
    strict = Client(enforce_csrf_checks=True)
    again = post(strict, strict.get(sent[people[0].email], follow=True))
    assert answered() == set()
    token = str(again.context["csrf_token"])
    assert post(strict, again, csrfmiddlewaretoken=token).status_code == 302
    assert answered() == {people[0].email}
    assert ConsultationResponse.objects.get().route == "invitation"


def test_two_messages_opened_in_one_browser_are_told_apart(client, sent, post, people):
    first, second = sent[people[0].email], sent[people[1].email]
    shown = client.get(first, follow=True)
    also_shown = client.get(second, follow=True)
    post(client, shown)
    assert answered() == set()
    post(client, also_shown)
    assert answered() == {people[1].email}


def test_a_page_from_a_cache_that_ignores_us_marks_nobody(settings, client, sent, post, people):
    settings.MIDDLEWARE = ["tests.stubborn_cache.StubbornCache", *settings.MIDDLEWARE]
    page = client.get(sent[people[0].email], follow=True)
    client.cookies.clear()
    assert client.get(sent[people[1].email]).content == page.content
    post(client, page)
    assert ConsultationResponse.objects.count() == 1
    assert answered() == set()


def test_a_link_is_used_up_so_that_the_next_person_at_the_computer_is_not_taken_for_them(
    client, sent, answer, people
):
    address = sent[people[0].email]
    assert answer(client, address).cookies[COOKIE].value == ""
    Delivery.objects.update(has_answered=False)
    answer(client, address.partition("&a=")[0])
    assert answered() == set()


@pytest.mark.parametrize("token", ["A" * 22, "x", "", "🙂" * 22, "\x00" * 22, "a" * 9000])
def test_a_forged_token_is_ignored(sent, answer, consultation, people, token):
    address = sent[people[0].email].partition("&a=")[0]
    assert answer(Client(), f"{address}&a={token}").status_code == 302
    assert answered() == set()
    assert ConsultationResponse.objects.count() == 1


def test_a_token_of_another_consultation_is_ignored(sent, answer, people):
    other = add_consultation(slug="another")
    token = sent[people[0].email].partition("&a=")[2]
    assert answer(Client(), f"{other.url}?a={token}").status_code == 302
    assert answered() == set()


def test_a_link_to_choices_or_to_leave_is_none_to_answer_from(sent, answer, people):
    address = sent[people[0].email].partition("&a=")[0]
    leave = re.search(r"/engagement/l/([\w-]{43})", mail.outbox[0].body)[1]
    answer(Client(), f"{address}&a={leave}")
    assert answered() == set()


def test_a_letter_to_a_handful_of_people_carries_no_code_that_would_name_them(people, start, draft):
    people[0].permissions.update(may_write=False, reason="stopped")
    start()
    sending.work(owner="this worker")
    assert len(mail.outbox) == 4
    assert not any("?i=" in message.body for message in mail.outbox)
    assert not any("&a=" in message.body for message in mail.outbox)
    assert queries.progress(Invitation.objects.get()).answered is None


@pytest.mark.parametrize("quiet", [{"is_sensitive": True}, {"ask_email": "not_asked"}])
def test_a_letter_about_what_is_anonymous_or_sensitive_carries_nothing(draft, quiet):
    draft.consultation = add_consultation(slug="quiet", **quiet).consultation
    draft.recipients = 500
    frozen = rendering.freeze(draft)
    assert "answer" not in frozen
    assert draft.code not in frozen["text"]
    assert "a=" not in rendering.shown(frozen)


def test_the_link_ends_with_the_consultation_and_grants_nothing_else(sent, consultation, people):
    token = sent[people[0].email].partition("&a=")[2]
    ends = consultation.closes_at
    assert links.find(purpose="answer", token=token, at=ends - datetime.timedelta(seconds=1))
    assert not links.find(purpose="answer", token=token, at=ends)
    for page in ("c", "p", "f", "l", "i", "m", "r"):
        answer = Client().get(f"/engagement/{page}/{token}/")
        assert answer.status_code == 404


def test_a_letter_that_was_frozen_before_there_were_such_links_still_goes(people, start, draft):
    start()
    draft.refresh_from_db()
    draft.rendered.pop("answer")
    draft.save()
    sending.work(owner="this worker")
    assert len(mail.outbox) == 5


def test_the_unanswered_are_those_of_whom_nothing_says_that_they_answered(draft):
    about = draft.consultation
    silent, flagged, known, held, again = factories.ParticipantFactory.create_batch(5)
    for person in (silent, flagged, known, held, again):
        factories.DeliveryFactory(
            invitation=draft, participant=person, accepted=True, has_answered=person == flagged
        )
    version = about.form_versions.get()
    factories.ConsultationResponseFactory(participant=known, form_version=version)
    factories.ConsultationResponseFactory(participant=held, form_version=version, held=True)
    factories.DeliveryFactory(invitation=draft, participant=None, accepted=True)
    other = factories.InvitationFactory(consultation=about)
    factories.DeliveryFactory(invitation=other, participant=again, has_answered=True)
    left = draft.deliveries.unanswered().values_list("participant", flat=True)
    assert set(left) == {silent.pk, held.pk}
