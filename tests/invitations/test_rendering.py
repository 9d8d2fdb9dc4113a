"""What an invitation says, and what it must never say."""

import re

import pytest
from django.core import mail
from django.utils import timezone, translation

from tests.factories import InterestFactory, ParticipantFactory, ParticipantInterestFactory
from tests.site import add_consultation
from wagtail_engagement.consent.queries import site_settings
from wagtail_engagement.invitations import rendering, sending
from wagtail_engagement.models import Invitation

pytestmark = pytest.mark.django_db
HOSTILE = (
    '<p>Hello <b>all</b><script>alert(1)</script> <a href="javascript:alert(1)">bad</a>'
    ' <a href="/parks/" onclick="x()">parks</a></p><img src="x" onerror="alert(1)"><ul><li>One</li></ul>'
)


def sent():
    sending.work(owner="this worker")
    return mail.outbox[0]


def html_of(message):
    return message.alternatives[0][0]


def test_it_names_the_consultation_and_leads_to_it_by_the_invitations_code(people, start):
    invitation = start()
    message = sent()
    address = f"https://engage.example.gov.uk/the-future-of-mill-meadow/?i={invitation.code}"
    for text in (message.body, html_of(message)):
        assert "The future of Mill Meadow" in text
        assert address in text


def test_a_sensitive_consultation_is_not_named(people, start, draft):
    page = add_consultation(title="Help after violence at home", is_sensitive=True)
    draft.consultation = page.consultation
    draft.recipients = 500
    draft.subject = rendering.suggested_subject(page.consultation)
    draft.interests.set([InterestFactory(name="Refuges")])
    letter = rendering.preview(draft)
    for text in (letter.subject, letter.text.replace(page.url, ""), letter.html):
        assert "violence at home" not in text
        assert "Refuges" not in text
    assert f"i={draft.code}" not in rendering.freeze(draft)["html"]


def test_the_opening_words_are_cleaned_and_their_links_are_absolute(draft):
    draft.opening = HOSTILE
    letter = rendering.preview(draft)
    assert "<b>all</b>" in letter.html
    assert '<a href="https://engage.example.gov.uk/parks/">parks</a>' in letter.html
    for danger in ("script", "javascript", "onclick", "onerror", "<img"):
        assert danger not in letter.html
    assert "parks (https://engage.example.gov.uk/parks/)" in letter.text
    assert "- One" in letter.text


@pytest.mark.parametrize("typed", ["{{ settings.SECRET_KEY }}", "%(subject)s {0.__class__}", "$x"])
def test_what_an_editor_types_stays_text(draft, typed):
    draft.subject, draft.opening = typed, f"<p>{typed}</p>"
    letter = rendering.preview(draft)
    assert letter.subject == typed
    assert typed in letter.text


def test_markup_in_a_title_is_shown_and_not_run(draft):
    draft.consultation.title = "<script>alert(1)</script> & more"
    letter = rendering.preview(draft)
    assert "<script>alert" not in letter.html
    assert "<script>alert(1)</script> & more" in letter.text


def test_it_says_why_you_get_it_and_how_to_leave_and_to_complain(people, start, draft):
    about = site_settings()
    about.organisation, about.complaints = "Westmere Council", "<p>Write to the council.</p>"
    about.save()
    message = (start(), sent())[1]
    for text in (message.body, html_of(message)):
        assert "You get this email because you agreed" in text
        assert "Write to the council." in text and "Westmere Council" in text
        assert re.search(r"https://engage\.example\.gov\.uk/engagement/l/[\w-]{43}/", text)
        assert re.search(r"https://engage\.example\.gov\.uk/engagement/p/[\w-]{43}/", text)


def test_it_says_what_came_of_the_last_consultation_on_its_topics(draft):
    topic = InterestFactory()
    earlier = add_consultation(title="Benches", interests=[topic], we_did="<p>We built ten.</p>")
    type(earlier.consultation).objects.filter(pk=earlier.consultation_id).update(
        answered_at=timezone.now()
    )
    assert "We built ten." not in rendering.preview(draft).text
    draft.interests.set([topic])
    assert "We did: We built ten." in rendering.preview(draft).text


def test_the_frozen_letter_holds_nobodys_links(people, start):
    frozen = start().rendered
    assert frozen["leave"] in frozen["html"] and frozen["leave"] in frozen["text"]
    assert "/engagement/l/" not in frozen["html"] + frozen["text"]
    assert frozen["leave"] not in html_of(sent())


@pytest.mark.parametrize("host", ["x" * 20, "council." * 7 + "gov.uk"])
def test_the_leave_header_is_plain_on_any_host(people, start, settings, host):
    """E01: a long address must not be encoded, or mail programs ignore it."""
    settings.WAGTAIL_ENGAGEMENT_BASE_URL = f"https://{host}"
    start()
    source = sent().message().as_string().replace("\n ", "")
    line = rf"^List-Unsubscribe: <https://{re.escape(host)}/engagement/l/[\w-]{{43}}/>$"
    assert len(re.findall(line, source, re.MULTILINE)) == 1
    assert "\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n" in source
    assert "\nList-Id: <" in source


def test_a_subject_of_several_lines_is_one_line(people, draft, start):
    Invitation.objects.update(subject="Hello\r\nBcc: everybody@example.com")
    start(Invitation.objects.get())
    message = sent()
    assert message.subject == "Hello Bcc: everybody@example.com"
    assert message.recipients() == message.to


def test_nobody_is_watched_opening_it(people, start):
    start()
    message = sent()
    assert (message.track_opens, message.track_clicks) == (False, False)
    assert "<img" not in html_of(message)


def test_it_is_written_in_the_sites_language_whoever_presses_send(draft, settings):
    with translation.override("cy"):
        assert '<html lang="en-gb"' in rendering.preview(draft).html


def test_each_person_reads_why_they_themselves_get_it(draft, start):
    cycling, parks = InterestFactory(name="Cycling"), InterestFactory(name="Parks & trees")
    draft.consultation.interests.set([cycling, parks])
    draft.interests.set([cycling, parks])
    chose, shown, neither, told = ParticipantFactory.create_batch(4, agreed=True)
    ParticipantInterestFactory(participant=chose, interest=parks, origin="declared")
    ParticipantInterestFactory(participant=shown, interest=cycling, origin="inferred")
    told.permissions.update(is_by_consent=False)
    start()
    sending.work(owner="this worker")
    body = {message.to[0]: message.body for message in mail.outbox}
    html = {message.to[0]: message.alternatives[0][0] for message in mail.outbox}
    assert "and your topics include Parks & trees." in body[chose.email]
    assert "and your topics include Parks &amp; trees." in html[chose.email]
    assert "and you took part in one about Cycling." in body[shown.email]
    assert "you agreed that we may tell you about consultations.\n" in body[neither.email]
    assert "because we told you that we write about consultations." in body[told.email]
