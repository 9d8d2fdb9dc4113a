import datetime

import pytest
from django.utils import timezone

from tests import factories
from tests.participants.post import HANDLE, LINK, open_link, send
from wagtail_engagement.consent import barring, settling
from wagtail_engagement.consent.queries import current_wordings
from wagtail_engagement.models import ConsentEvent, ContactPermission, RegisterMail
from wagtail_engagement.participants import registry, renewing

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
NOW = timezone.now()


def somebody(days_ago, **fields):
    """Somebody who agreed so many days ago."""
    person = factories.ParticipantFactory(**fields)
    wording = factories.ConsentWordingFactory(label="Write to me about parks")
    factories.ConsentEventFactory(participant=person, at=NOW - days_ago * DAY, wording=wording)
    settling.settle([person.pk], at=NOW)
    return person


def ask(at=NOW):
    ids = list(renewing.running_out(at=at).values_list("pk", flat=True))
    renewing.ask(ids=ids, at=at)
    return send(at)


def answer(client, page, button, **more):
    form = {
        "handle": HANDLE.search(page.content.decode()).group(1),
        "wording": current_wordings("en")["invite"].pk,
        button: "1",
        **more,
    }
    return client.post("/engagement/renew/", form, follow=True)


def standing(person):
    return person.permissions.get(purpose="invite").reason


def test_somebody_is_asked_once_thirty_days_before_the_end():
    later, soon = somebody(699), somebody(701)
    (message,) = ask()
    assert message.to == [soon.email] and ask() == []
    RegisterMail.objects.all().delete()  # as happens to the ledger after a while
    assert [message.to for message in ask(NOW + 20 * DAY)] == [[later.email]]


def test_the_mail_says_what_was_agreed_to_when_it_ends_and_how_to_leave():
    person = somebody(720)
    topic = factories.ParticipantInterestFactory(participant=person).interest
    (message,) = ask()
    for text in (message.body, message.alternatives[0][0]):
        ends = timezone.localtime(NOW + 10 * DAY)
        assert "Write to me about parks" in text and topic.name in text
        assert f"This ends on {ends.day} {ends:%B %Y}" in text
    leave = message.extra_headers["List-Unsubscribe"].strip("<>")
    assert leave in message.body and len(LINK.findall(message.body)) == 3


@pytest.mark.parametrize("kind", ["left", "paused", "bounced", "told"])
def test_nobody_is_asked_who_stopped_paused_or_never_agreed(kind):
    person = somebody(715)
    if kind == "left":
        factories.ConsentEventFactory(participant=person, action="withdrawn")
    elif kind == "paused":
        renewing.pause(participant=person, months=6, at=NOW)
    elif kind == "bounced":
        barring.suppress(address=person.email, reason="bounced", at=NOW)
    else:
        person = factories.ParticipantFactory()
        factories.ConsentEventFactory(participant=person, action="informed", at=NOW - 900 * DAY)
    settling.settle([person.pk], at=NOW + DAY / 24)
    assert not renewing.running_out(at=NOW).filter(participant=person).exists()


def test_no_mail_goes_to_somebody_who_leaves_while_it_waits():
    person = somebody(715)
    renewing.ask(ids=[person.permissions.get().pk], at=NOW)
    barring.suppress(address=person.email, reason="complained", at=NOW)
    assert send(NOW) == [] and RegisterMail.objects.get().state == "refused"


def test_yes_starts_the_term_anew_under_the_words_that_were_shown(client):
    person = somebody(715)
    page = open_link(client, LINK.search(ask()[0].body).group(1))
    assert current_wordings("en")["invite"].label in page.content.decode()
    text = answer(client, page, "yes").content.decode()
    assert "We go on telling you" in text
    event = ConsentEvent.objects.last()
    assert (event.action, event.channel) == ("given", "choices")
    assert event.wording == current_wordings("en")["invite"]
    assert person.permissions.get().recheck_at > NOW + 729 * DAY
    answer(client, page, "yes")
    assert ConsentEvent.objects.count() == 2


def test_yes_while_paused_starts_the_term_anew_and_leaves_the_pause(client):
    person = somebody(715)
    path = LINK.search(ask()[0].body).group(1)
    renewing.pause(participant=person, months=6, at=NOW)
    until = person.permissions.get().recheck_at
    answer(client, open_link(client, path), "yes")
    assert (standing(person), person.permissions.get().recheck_at) == ("paused", until)
    settling.settle_due(at=until)
    assert standing(person) == "granted"


def test_a_box_that_stands_ticked_makes_nobody_agree_who_was_merely_told(client, link_to):
    person = factories.ParticipantFactory()
    factories.ConsentEventFactory(participant=person, action="informed", at=NOW - 90 * DAY)
    settling.settle([person.pk], at=NOW)
    page = open_link(client, link_to("choices", person))
    form = {
        "handle": HANDLE.search(page.content.decode()).group(1),
        "wording": current_wordings("en")["invite"].pk,
        "invite": "on",
    }
    client.post("/engagement/choices/", form)
    assert person.consent_events.count() == 1 and standing(person) == "granted"


def test_no_stops_and_opening_the_page_does_nothing(client):
    person = somebody(715)
    page = open_link(client, LINK.search(ask()[0].body).group(1))
    assert standing(person) == "granted"
    assert "You have left" in answer(client, page, "no").content.decode()
    assert standing(person) == "stopped"


def test_yes_after_the_end_counts_too(client):
    person = somebody(715)
    path = LINK.search(ask()[0].body).group(1)
    settling.settle_due(at=NOW + 20 * DAY)
    assert standing(person) == "lapsed"
    answer(client, open_link(client, path), "yes")
    assert standing(person) == "granted"


@pytest.mark.parametrize("wording", ["", "999999", "x", "9" * 40])
def test_yes_to_words_that_do_not_exist_is_refused(client, wording):
    person = somebody(715)
    page = open_link(client, LINK.search(ask()[0].body).group(1))
    text = answer(client, page, "yes", wording=wording).content.decode()
    assert "There is a problem" in text and person.consent_events.count() == 1


def test_saving_the_choices_says_yes_again_unless_that_was_lately(client, link_to):
    old, new = somebody(300), somebody(20)
    for person in (old, new):
        page = open_link(client, link_to("choices", person))
        form = {
            "handle": HANDLE.search(page.content.decode()).group(1),
            "wording": current_wordings("en")["invite"].pk,
            "invite": "on",
        }
        client.post("/engagement/choices/", form)
    assert (old.consent_events.count(), new.consent_events.count()) == (2, 1)


def test_an_old_agreement_without_an_end_is_asked_about_and_ends_thirty_days_later():
    person = somebody(20)
    row = ContactPermission.objects.filter(participant=person)
    old = factories.ParticipantFactory()
    factories.ConsentEventFactory(participant=old, at=NOW - 900 * DAY)
    rows = factories.ContactPermissionFactory(participant=old, since=NOW - 900 * DAY)
    row.update(recheck_at=None, lapses=False)
    assert [r.participant for r in renewing.undated(at=NOW)] == [person]
    assert not renewing.over(at=NOW).exists()
    assert [message.to for message in ask()] == [[old.email]]
    registry.expire(at=NOW + 31 * DAY)
    assert not renewing.over(at=NOW + 29 * DAY).exists()
    assert renewing.end(ids=[rows.pk], at=NOW + 31 * DAY) == 1
    assert standing(old) == "lapsed"


def test_an_agreement_that_ended_while_no_worker_ran_stays_ended_and_is_counted():
    asked, missed, paused = somebody(729), somebody(728), somebody(727)
    renewing.ask(ids=[asked.permissions.get().pk], at=NOW)
    assert [message.to for message in send(NOW)] == [[asked.email]]
    renewing.pause(participant=paused, months=1, at=NOW)
    later = NOW + 40 * DAY
    assert settling.settle_due(at=later) == 3
    assert {standing(person) for person in (asked, missed, paused)} == {"lapsed"}
    assert ask(later) == []
    assert not renewing.unasked(at=later).exists()  # Each of them ended more than 30 days ago.
    assert [row.participant for row in renewing.unasked(at=NOW + 20 * DAY)] == [missed]


def test_a_question_that_never_left_was_not_asked():
    person = somebody(720)
    renewing.ask(ids=[person.permissions.get().pk], at=NOW)
    settling.settle_due(at=NOW + 11 * DAY)
    assert send(NOW + 11 * DAY) == []
    assert renewing.unasked(at=NOW + 11 * DAY).count() == 1


def test_an_agreement_that_has_ended_unnoticed_is_still_written_down(settings):
    person = somebody(735)
    assert standing(person) == "lapsed" and person.consent_events.count() == 1
    settling.settle_due(at=NOW)
    settings.WAGTAIL_ENGAGEMENT_PERMISSION_DAYS = 2000
    settling.settle([person.pk], at=NOW)
    assert standing(person) == "lapsed"
