import datetime

import pytest
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests import factories
from tests.participants.post import HANDLE, link_in, open_link, press, send
from wagtail_engagement.consent import barring, settling
from wagtail_engagement.models import AddressChange, Participant, PossibleDuplicate, RegisterMail
from wagtail_engagement.participants import moving

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
NEW = "ada@new.example.com"


@pytest.fixture
def details(client, link_to):
    """The page of the person's own details, reached as they reach it."""
    page = press(client, open_link(client, link_to("fresh")), "show")
    return on(client, page, see="1")


def on(client, page, **typed):
    """Post a form of the page, with what it hides."""
    text = page.content.decode()
    proof = text.split('name="proof" value="')[1].split('"')[0]
    form = {"handle": HANDLE.search(text).group(1), "proof": proof, **typed}
    return client.post("/engagement/taken-part/details/", form)


def move(client, details, email=NEW):
    """Ask for a new address, and press the button in the mail that arrives there."""
    on(client, details, email=email, save_email="1")
    (message,) = send()
    return press(client, open_link(client, link_in(message)), "yes")


def test_a_new_address_counts_once_it_is_confirmed_there(client, person, details):
    text = on(client, details, email=" Ada@New.example.com ", save_email="1").content.decode()
    assert "We send an email to Ada@new.example.com" in text
    (message,) = send()
    person.refresh_from_db()
    assert message.to == ["Ada@new.example.com"] and person.email == "ada@example.com"
    press(client, open_link(client, link_in(message)), "yes")
    person.refresh_from_db()
    assert (person.email, person.address_key) == ("Ada@new.example.com", NEW)
    assert person.permissions.get().may_write


def test_the_old_address_is_told_once_without_the_new_one(client, person, details):
    move(client, details)
    (message,) = send()
    assert message.to == ["ada@example.com"] and "Was it not you?" in message.body
    assert NEW not in message.body and "http" not in message.body
    assert send() == []


def test_links_to_the_choices_end_with_the_old_address_and_links_to_leave_do_not(
    client, person, details, link_to
):
    choices, leave = link_to("choices"), link_to("leave")
    moved = move(client, details)
    assert client.get(choices).status_code == 404
    assert "One press is enough" in open_link(client, leave).content.decode()
    assert "/engagement/choices/" in moved.content.decode()
    assert "Leave everything" in client.get("/engagement/choices/").content.decode()


@pytest.mark.parametrize("reason", ["complained", "objected", "manual", "unsubscribed"])
def test_who_was_stopped_stays_stopped_at_the_new_address(client, person, details, reason):
    barring.suppress(address=person.email, reason=reason, at=timezone.now())
    move(client, details)
    assert not person.permissions.get().may_write
    settling.settle([person.pk], at=timezone.now())
    assert person.permissions.get().reason == "stopped"


def test_the_audit_log_says_that_an_address_changed_and_not_which(client, person, details):
    move(client, details)
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.address_changed")
    assert (entry.label, entry.user, entry.data) == (str(person), None, {})


def test_a_mailbox_that_is_dead_is_left_behind(client, person, details):
    barring.suppress(address=person.email, reason="bounced", at=timezone.now())
    move(client, details)
    assert person.permissions.get().may_write
    assert send() == []


def test_what_stands_against_the_new_address_counts(client, person, details):
    barring.suppress(address=NEW, reason="complained", at=timezone.now())
    move(client, details)
    assert not person.permissions.get().may_write


@pytest.mark.parametrize("known", ["nobody", "somebody", "stopped"])
def test_asking_says_and_mails_the_same_whoever_the_address_belongs_to(client, details, known):
    if known == "somebody":
        factories.ParticipantFactory(email=NEW, agreed=True)
    elif known == "stopped":
        barring.suppress(address=NEW, reason="erased", at=timezone.now())
    text = on(client, details, email=NEW, save_email="1").content.decode()
    assert f"We send an email to {NEW}" in text
    assert [message.to for message in send()] == [[NEW]]


def test_an_address_of_another_record_waits_for_staff_and_the_page_says_the_same(
    client, person, details
):
    other = factories.ParticipantFactory(email=NEW, agreed=True)
    text = move(client, details).content.decode()
    assert "If we knew it before" in text
    pair = PossibleDuplicate.objects.get()
    assert {pair.first, pair.second} == {person, other} and pair.state == "open"
    assert Participant.objects.get(pk=person.pk).email == "ada@example.com"


def test_an_address_gets_one_such_mail_a_day_and_three_a_month(client, person):
    sent = []
    for hours in range(0, 33 * 25, 25):
        at = timezone.now() + datetime.timedelta(hours=hours)
        moving.ask(participant=person, email=NEW, at=at)
        moving.ask(participant=person, email=NEW, at=at)
        sent += [hours // 25] * len(send(at))
    assert sent[:3] == [0, 1, 2] and sent[3] >= 28


def test_one_person_can_mail_three_strangers_a_day_at_most(person):
    for number in range(6):
        moving.ask(participant=person, email=f"{number}@example.org", at=timezone.now())
    assert RegisterMail.objects.count() == 3


def test_a_stranger_says_that_it_was_not_them(client, person, details):
    on(client, details, email=NEW, save_email="1")
    page = press(client, open_link(client, link_in(send()[0])), "no")
    assert "Nothing has changed" in page.content.decode()
    assert not AddressChange.objects.exists()


def test_opening_the_link_changes_nothing(client, person, details):
    on(client, details, email=NEW, save_email="1")
    text = open_link(client, link_in(send()[0])).content.decode()
    person.refresh_from_db()
    assert person.email == "ada@example.com" and NEW not in text and person.email not in text


def test_the_link_lasts_seven_days(client, person):
    moving.ask(participant=person, email=NEW, at=timezone.now() - 8 * DAY)
    path = link_in(send(timezone.now() - 8 * DAY)[0])
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("email", ["", "x", "ada@", "a b@example.com", "é@example.com", "\x00"])
def test_what_is_no_address_is_refused_with_a_sentence(client, details, email):
    text = on(client, details, email=email, save_email="1").content.decode()
    assert "There is a problem" in text and "Enter" in text
    assert not AddressChange.objects.exists()


def test_a_name_is_corrected_and_the_wrong_one_kept_nowhere(client, person, details):
    Participant.objects.filter(pk=person.pk).update(name="Ada Lovelacce")
    person.names.create(name="Ada Lovelacce")
    on(client, details, name=" Ada\u202e Lovelace\x00 ", save_name="1")
    person.refresh_from_db()
    assert person.name == "Ada Lovelace" and not person.names.exists()


def test_a_name_that_is_too_long_is_refused_and_kept_in_the_field(client, person, details):
    text = on(client, details, name="x" * 201, save_name="1").content.decode()
    assert "200 characters or fewer" in text and "x" * 201 in text
    assert person.name == ""


@pytest.mark.parametrize("proof", ["", "x", "a" * 22, "é"])
def test_the_details_open_only_from_the_page_that_spent_the_link(client, person, link_to, proof):
    page = open_link(client, link_to("fresh"))
    form = {"handle": HANDLE.search(page.content.decode()).group(1), "proof": proof}
    text = client.post(
        "/engagement/taken-part/details/", {**form, "name": "Eve", "save_name": "1"}
    ).content.decode()
    assert "opens from the button" in text
    person.refresh_from_db()
    assert person.name == ""


def test_no_old_sheet_brings_somebody_back_at_the_address_they_left(client, person, details):
    move(client, details)
    newcomer = factories.ParticipantFactory(email="ada@example.com", agreed=True)
    assert newcomer.permissions.get().reason == "stopped"
    person.refresh_from_db()
    assert person.permissions.get().may_write
