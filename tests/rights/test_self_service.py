"""What people do about their own data behind a link of their own."""

import io
import re
import zipfile

import pytest
from django.test import Client
from django.utils import timezone

from tests import factories
from tests.participants.post import HANDLE, send
from wagtail_engagement import models
from wagtail_engagement.participants import choosing
from wagtail_engagement.rights import asking

pytestmark = pytest.mark.django_db
LINK = re.compile(r"https://engage\.example\.gov\.uk(/engagement/[fi]/[\w-]{22,43}/)")
PROOF = re.compile(r'name="proof" value="([\w-]+)"')
WAY = re.compile(r'formaction="([^"]+)" name="(\w+)"')
DATA = "/engagement/taken-part/your-data/"


@pytest.fixture
def person():
    person = factories.ParticipantFactory(email="ada@example.com", agreed=True)
    factories.ConsultationResponseFactory(participant=person)
    return person


def mailed():
    """The path of the link in the mail that the worker sends now."""
    return LINK.search(send()[-1].body).group(1)


def press(client, page, button, path=None, **typed):
    """Press a button of a page as a browser does, with the hidden fields that the page has."""
    text = page.content.decode()
    hidden = {"handle": HANDLE.search(text).group(1)}
    if PROOF.search(text):
        hidden["proof"] = PROOF.search(text).group(1)
    return client.post(path or page.request["PATH_INFO"], {**hidden, button: "1", **typed})


def open_fresh(client, person):
    """Ask for a fresh link, open it and press its first button."""
    choosing.ask_fresh(participant=person, at=timezone.now())
    page = client.get(mailed(), follow=True)
    return press(client, page, "show")


def ask(person, kind, identity="mail", note=""):
    facts = {"kind": kind, "identity": identity, "note": note}
    return asking.ask(person=person, facts=facts, actor=None, at=timezone.now())


def test_the_fresh_page_leads_to_a_download_that_nobody_keeps(client, person):
    page = press(client, open_fresh(client, person), "see", DATA)
    answer = press(client, page, "download", DATA)
    assert answer["Content-Type"] == "application/zip" and "no-store" in answer["Cache-Control"]
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert "ada@example.com" in archive.read("index.html").decode()
    assert models.RightsRequest.objects.get().state == "done"


WAYS = {
    "taken_part": ("/engagement/taken-part/", "Where your topics come from"),
    "details": ("/engagement/taken-part/details/", "Leave it empty if you want us to keep none"),
    "see": (DATA, "A ZIP file with a page to read"),
    "erase": (DATA, "What is to become of the answers?"),
}


@pytest.mark.parametrize("here", WAYS)
def test_each_page_behind_a_fresh_link_leads_to_all_the_others(here, client, person):
    page = press(client, open_fresh(client, person), here, WAYS[here][0])
    current = re.findall('aria-current="page">([^<]+)', page.content.decode())
    ways = WAY.findall(page.content.decode())
    assert len(current) == 1 and {name for _path, name in ways} == WAYS.keys() - {here}
    for path, name in ways:
        there = press(client, page, name, path)
        assert path == WAYS[name][0] and WAYS[name][1] in there.content.decode()


def test_the_page_after_a_new_address_leads_on_too(client, person):
    page = press(client, open_fresh(client, person), "details", "/engagement/taken-part/details/")
    page = press(client, page, "save_email", email="ada@new.example.com")
    assert {name for _path, name in WAY.findall(page.content.decode())} == WAYS.keys()


def test_coming_back_needs_the_proof_of_the_page_that_spent_the_link(client, person):
    page = open_fresh(client, person)
    assert "Where your topics" in press(client, page, "taken_part").content.decode()
    for proof in ("", "A" * 22):
        again = press(client, page, "taken_part", proof=proof)
        assert "This link has been used" in again.content.decode()


def test_a_link_that_was_used_gives_another_browser_nothing(client, person):
    choosing.ask_fresh(participant=person, at=timezone.now())
    path = mailed()
    first = press(client, client.get(path, follow=True), "show")
    thief = Client()
    page = thief.get(path, follow=True)
    handle = HANDLE.search(first.content.decode()).group(1)
    answer = thief.post(DATA, {"handle": handle, "proof": "", "download": "1"})
    assert "has been used" in page.content.decode()
    assert answer["Content-Type"].startswith("text/html")
    assert not models.RightsRequest.objects.exists()


def test_a_link_that_was_not_opened_gives_nothing(client, person):
    choosing.ask_fresh(participant=person, at=timezone.now())
    page = client.get(mailed(), follow=True)
    answer = press(client, page, "download", DATA, proof="A" * 22)
    assert answer["Content-Type"].startswith("text/html")


def test_a_proof_ends_after_a_day(client, person):
    page = open_fresh(client, person)
    models.Link.objects.update(
        used_at=timezone.now() - timezone.timedelta(hours=25), expires_at=None
    )
    assert press(client, page, "download", DATA)["Content-Type"].startswith("text/html")


def test_the_proof_of_one_person_opens_nothing_of_another(client, person):
    other = factories.ParticipantFactory(email="bob@example.com")
    proof = PROOF.search(open_fresh(client, person).content.decode()).group(1)
    browser = Client()
    page = open_fresh(browser, other)
    answer = press(browser, page, "download", DATA, proof=proof)
    assert answer["Content-Type"].startswith("text/html")


def test_erasing_oneself_asks_about_the_answers_first(client, person):
    page = press(client, open_fresh(client, person), "see", DATA)
    page = press(client, page, "erase", DATA)
    page = press(client, page, "erase_now", DATA)
    assert "Choose what is to become of the answers" in page.content.decode()
    assert models.Participant.objects.exists()


def test_whoever_never_answered_is_not_asked_about_answers(client, person):
    models.ConsultationResponse.objects.all().delete()
    page = press(client, open_fresh(client, person), "see", DATA)
    page = press(client, page, "erase", DATA)
    assert "nswers" not in page.content.decode()
    page = press(client, page, "erase_now", DATA)
    assert "We have erased what the register held about you." in page.content.decode()
    assert not models.Participant.objects.exists()


@pytest.mark.parametrize(("choice", "left"), [("keep", 1), ("delete", 0)])
def test_erasing_oneself_ends_with_a_receipt(client, person, choice, left):
    page = press(client, open_fresh(client, person), "see", DATA)
    page = press(client, page, "erase", DATA)
    page = press(client, page, "erase_now", DATA, answers=choice)
    assert models.RightsRequest.objects.get().reference in page.content.decode()
    assert not models.Participant.objects.exists()
    assert models.ConsultationResponse.objects.count() == left
    assert "Open the link in your email again" in client.get(DATA).content.decode()


def test_whoever_says_yes_to_the_mail_of_a_request_can_download_at_once(client, person):
    request = ask(person, "access")
    page = press(client, client.get(mailed(), follow=True), "yes")
    answer = press(client, page, "download", "/engagement/identity/your-data/")
    request.refresh_from_db()
    assert answer["Content-Type"] == "application/zip"
    assert (request.state, request.identity) == ("done", "mail")
    assert models.RightsRequest.objects.count() == 1


def test_opening_the_mail_of_a_request_confirms_nothing(client, person):
    request = ask(person, "erasure")
    page = client.get(mailed(), follow=True)
    request.refresh_from_db()
    assert request.state == "checking" and "erasure" in page.content.decode()


def test_whoever_says_no_ends_the_request(client, person):
    request = ask(person, "erasure")
    path = mailed()
    press(client, client.get(path, follow=True), "no")
    request.refresh_from_db()
    assert request.state == "lapsed" and request.closed_at
    again = client.get(path, follow=True)
    assert "This question is answered" in again.content.decode()


def test_the_link_of_a_request_does_not_erase_by_itself(client, person):
    ask(person, "access")
    page = press(client, client.get(mailed(), follow=True), "yes")
    press(client, page, "erase_now", "/engagement/identity/your-data/", answers="delete")
    assert models.Participant.objects.exists()


def test_a_request_that_nobody_confirms_ends_after_two_weeks(person):
    request = ask(person, "access")
    models.RightsRequest.objects.update(asked_at=timezone.now() - timezone.timedelta(days=14))
    assert asking.lapse_due(at=timezone.now()) == 1
    request.refresh_from_db()
    assert request.state == "lapsed"


def test_a_mail_goes_to_somebody_who_left_but_not_to_a_dead_mailbox(person):
    factories.SuppressionFactory(address=person.email, reason="unsubscribed")
    ask(person, "access")
    assert len(send()) == 1
    models.Suppression.objects.update(reason="bounced")
    ask(person, "erasure")
    assert send() == []
    assert models.RegisterMail.objects.last().state == "refused"


def test_the_same_request_is_taken_once(person):
    first = ask(person, "access")
    with pytest.raises(asking.CannotAsk, match=first.reference):
        ask(person, "access")
