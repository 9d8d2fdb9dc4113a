import datetime
import io
import zipfile

import pytest
from django.core import mail
from django.utils import timezone

from tests import factories
from tests.participants.post import HANDLE, link_in, open_link, press, send
from wagtail_engagement.consent import barring, settling
from wagtail_engagement.consent.queries import current_wordings, site_settings
from wagtail_engagement.models import ConsentEvent, RegisterMail, Suppression
from wagtail_engagement.participants import choosing
from wagtail_engagement.rights import access

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def save(client, page, *topics, invite=True, **more):
    form = {
        "handle": HANDLE.search(page.content.decode()).group(1),
        "interests": [topic.pk for topic in topics],
        "wording": current_wordings("en")["invite"].pk,
        **({"invite": "on"} if invite else {}),
        **more,
    }
    return client.post("/engagement/choices/", form, follow=True)


def copy_of(person):
    packed = io.BytesIO(access.archive(person, at=timezone.now()))
    return zipfile.ZipFile(packed).read("index.html")


def may_invite(person):
    return person.permissions.get(purpose="invite").may_write


def test_the_page_shows_a_masked_address_and_no_more_than_a_neighbour_may_see(
    client, person, link_to
):
    response = factories.ConsultationResponseFactory(participant=person)
    factories.ConsentEventFactory(
        participant=person, result=True, consultation=response.consultation
    )
    settling.settle([person.pk], at=timezone.now())
    text = open_link(client, link_to("choices")).content.decode()
    assert "a•••••@e•••••.com" in text and person.email not in text
    assert "what came of 1 consultation" in text
    assert response.consultation.title not in text and response.reference not in text


def test_saving_makes_topics_exactly_what_was_ticked(client, person, link_to):
    shown, dropped, new = factories.InterestFactory.create_batch(3)
    factories.ParticipantInterestFactory(participant=person, interest=shown, inferred=True)
    factories.ParticipantInterestFactory(participant=person, interest=dropped)
    page = open_link(client, link_to("choices"))
    assert "we think so" in page.content.decode()
    save(client, page, shown, new)
    kept = person.interest_links.filter(removed_at=None).values_list("interest", "origin")
    assert set(kept) == {(shown.pk, "declared"), (new.pk, "declared")}


def test_clearing_the_box_stops_invitations_and_ticking_it_starts_them_again(
    client, person, link_to
):
    page = open_link(client, link_to("choices"))
    save(client, page, invite=False)
    assert not may_invite(person)
    save(client, page)
    assert may_invite(person)
    event = ConsentEvent.objects.last()
    assert (event.channel, event.wording) == ("choices", current_wordings("en")["invite"])


def test_saving_twice_leaves_no_second_event(client, person, link_to):
    page = open_link(client, link_to("choices"))
    save(client, page)
    assert ConsentEvent.objects.count() == 1


@pytest.mark.parametrize("reason", ["complained", "objected", "erased", "bounced", "manual"])
def test_a_passed_on_link_takes_back_nothing_but_leaving(client, person, link_to, reason):
    barring.suppress(address=person.email, reason=reason, at=timezone.now())
    save(client, open_link(client, link_to("choices")))
    assert not may_invite(person)
    assert Suppression.objects.get().reason == reason


def test_words_that_do_not_exist_are_refused(client, person, link_to):
    page = open_link(client, link_to("choices"))
    for nonsense in ("999999", "9" * 40, "x", "", "\x00"):
        answer = save(client, page, invite=False, wording=nonsense)
        assert "There is a problem" in answer.content.decode()
    assert may_invite(person)


def test_a_topic_that_is_not_offered_is_refused(client, person, link_to):
    factories.InterestFactory()
    page = open_link(client, link_to("choices"))
    answer = save(client, page, interests=["987654", "9" * 30])
    assert "There is a problem" in answer.content.decode()
    assert not person.interest_links.exists()


def test_leaving_everything_stops_invitations_and_results(client, person, link_to):
    factories.ConsentEventFactory(participant=person, result=True)
    settling.settle([person.pk], at=timezone.now())
    press(client, open_link(client, link_to("choices")), "leave")
    assert set(person.permissions.values_list("purpose", "reason")) == {
        ("invite", "stopped"),
        ("result", "stopped"),
    }


def test_the_page_says_how_to_complain(client, person, link_to):
    site = site_settings()
    site.complaints = "<p>Write to the data protection officer.</p>"
    site.save()
    text = open_link(client, link_to("choices")).content.decode()
    assert "Write to the data protection officer." in text


def test_without_a_link_the_page_says_where_to_find_one(client, person):
    text = client.get("/engagement/choices/").content.decode()
    assert "Open the link in your email again" in text


def test_a_fresh_link_shows_once_what_was_taken_part_in(client, person, link_to):
    topic = factories.ParticipantInterestFactory(participant=person).interest
    response = factories.ConsultationResponseFactory(participant=person)
    hidden = factories.ConsultationResponseFactory(
        participant=person, form_version__consultation__is_sensitive=True
    )
    press(client, open_link(client, link_to("choices")), "fresh")
    page = open_link(client, link_in(send()[0]))
    assert response.reference not in page.content.decode()
    text = press(client, page, "show").content.decode()
    assert response.reference in text and response.consultation.title in text
    assert topic.name in text
    assert hidden.reference not in text and hidden.consultation.title not in text
    assert "This link has been used" in press(client, page, "show").content.decode()


def test_a_fresh_link_lives_for_a_day(client, person):
    choosing.ask_fresh(participant=person, at=timezone.now() - 2 * DAY)
    path = link_in(send(timezone.now() - 2 * DAY)[0])
    assert client.get(path).status_code == 404


def test_fresh_links_go_three_times_a_day_and_the_page_says_the_same(client, person, link_to):
    page = open_link(client, link_to("choices"))
    answers = {HANDLE.sub("", press(client, page, "fresh").content.decode()) for _ in range(5)}
    bodies = {answer.split("<form")[0] for answer in answers}
    assert len(bodies) == 1 and "We have sent an email" in bodies.pop()
    assert RegisterMail.objects.filter(kind="fresh").count() == 3


def test_no_fresh_link_goes_to_an_address_that_must_not_be_written_to(person):
    barring.suppress(address=person.email, reason="complained", at=timezone.now())
    choosing.ask_fresh(participant=person, at=timezone.now())
    send()
    assert mail.outbox == [] and RegisterMail.objects.get().state == "refused"


def test_clearing_the_box_while_mail_does_not_arrive_outlasts_the_bounce(client, person, link_to):
    bounce = {"address": person.email, "reason": "bounced", "at": timezone.now()}
    row = barring.suppress(**bounce)
    save(client, open_link(client, link_to("choices")), invite=False)
    row.refresh_from_db()
    barring.lift_by_staff(suppression=row, actor=None, at=timezone.now())
    assert not may_invite(person)


def test_somebody_chooses_to_get_invitations_together_and_goes_back(client, person, link_to):
    page = open_link(client, link_to("choices"))
    assert "Several in one email, at most every 2 weeks" in page.content.decode()
    save(client, page, rhythm="together")
    person.refresh_from_db()
    since = person.summaries_since
    assert since is not None
    page = save(client, page, rhythm="together")
    person.refresh_from_db()
    assert person.summaries_since == since and 'value="together" id="id-rhythm_1" checked' in str(
        page.content
    )
    save(client, page, rhythm="each")
    person.refresh_from_db()
    assert person.summaries_since is None


def test_a_site_without_summaries_offers_none_and_an_old_page_changes_nothing(
    client, person, link_to, settings
):
    page = open_link(client, link_to("choices"))
    save(client, page, rhythm="together")
    save(client, page)
    person.refresh_from_db()
    assert person.summaries_since is not None
    settings.WAGTAIL_ENGAGEMENT_SUMMARY_DAYS = 0
    assert "in one email" not in open_link(client, link_to("choices")).content.decode()


def test_how_often_somebody_is_told_stands_in_the_copy_of_their_data(person):
    choosing.gather(participant=person, together=True, at=timezone.now())
    person.refresh_from_db()
    assert b"Invitations together since" in copy_of(person)
