"""The screens around an invitation, as editors with different rights see them."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry
from wagtail.test.utils.form_data import rich_text

from tests.factories import (
    ConsentEventFactory,
    ConsultationResponseFactory,
    InterestFactory,
    ParticipantFactory,
    UserFactory,
)
from tests.site import add_consultation
from wagtail_engagement.consent import settling
from wagtail_engagement.invitations import queries, sending
from wagtail_engagement.invitations.audience import Audience
from wagtail_engagement.models import Delivery, Invitation, WorkerSign

pytestmark = pytest.mark.django_db
ALL = ("add", "change", "delete", "send")


def login(client, *codenames, see=()):
    user = UserFactory()
    names = ["access_admin", *(f"{name}_invitation" for name in codenames), *see]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


def url(name, *args):
    return reverse(f"engagement_invitations:{name}", args=args)


def editor(invitation):
    return reverse("wagtailsnippets_wagtail_engagement_invitation:edit", args=[invitation.pk])


def typed(draft, **changes):
    """What the editor's form posts."""
    fields = {"match": "any", "not_invited_days": "30", "subject": draft.subject}
    return {**fields, "preheader": "", "opening": rich_text("<p>Hello.</p>"), **changes}


def press_send(client, draft, **changes):
    count = Audience.of(draft, at=timezone.now()).counts().included
    shown = {"shown_count": count, "shown_version": queries.version(draft)}
    return client.post(url("send", draft.pk), {**shown, **changes}, follow=True)


def test_inviting_people_starts_a_draft_with_the_consultations_topics(client, consultation):
    login(client, *ALL)
    consultation.interests.set([InterestFactory(name="Parks")])
    address = url("invite", consultation.pk)
    assert "The future of Mill Meadow" in client.get(address).text
    assert not Invitation.objects.exists()
    response = client.post(address, {"consultation": consultation.pk}, follow=True)
    assert response.redirect_chain[-1][0] == editor(Invitation.objects.get())
    assert "Parks" in response.text


def test_only_what_is_published_and_not_over_can_be_chosen(client, consultation):
    login(client, *ALL)
    over = add_consultation(title="Long ago", slug="ago", closes_at=timezone.now())
    response = client.post(url("new"), {"consultation": over.consultation_id})
    assert response.status_code == 200
    assert "Long ago" not in response.text
    assert not Invitation.objects.exists()


def test_the_editor_shows_four_steps_in_a_row(client, draft, people):
    login(client, *ALL)
    page = client.get(editor(draft)).text
    steps = ["1. Who", "5 people: may be invited", "2. What", "3. Check", "4. Send"]
    positions = [page.index(step) for step in [*steps, "Send to 5 people"]]
    assert positions == sorted(positions)


def test_saving_stores_both_steps_and_sends_nothing(client, draft):
    login(client, *ALL)
    topic = InterestFactory()
    values = typed(draft, subject="New words", interests=[topic.pk], match="all")
    response = client.post(editor(draft), values, follow=True)
    assert "Nothing has been sent" in response.text
    draft.refresh_from_db()
    assert (draft.subject, draft.match, list(draft.interests.all())) == (
        "New words",
        "all",
        [topic],
    )


def test_changing_a_choice_changes_the_sentence_before_anything_is_saved(client, draft, people):
    login(client, *ALL)
    topic = InterestFactory(name="Cycling")
    ParticipantFactory(agreed=True, interests=[InterestFactory()])
    response = client.post(url("counts", draft.pk), typed(draft, interests=[topic.pk]))
    assert "5 people: interested in Cycling" in response.text
    assert "1 not interested" in response.text
    assert not draft.interests.exists()


def test_a_tick_for_what_is_sold_leaves_out_who_was_only_told(client, draft, people):
    login(client, *ALL, see=["view_participant", "view_participant_pii"])
    ConsentEventFactory(participant=people[0], action="lapsed")
    ConsentEventFactory(participant=people[0], action="informed")
    settling.settle([people[0].pk], at=timezone.now())
    assert "It also promotes a paid service" in client.get(editor(draft)).text
    choices = typed(draft, is_promotional="on")
    fragment = client.post(url("counts", draft.pk), choices).text
    assert "4 people: agreed to be invited" in fragment and "1 have not agreed" in fragment
    link = re.search(r'href="([^"]*why=not_agreed)"', fragment)[1].replace("&amp;", "&")
    assert people[0].email in client.get(link).text
    client.post(editor(draft), choices)
    draft.refresh_from_db()
    assert draft.is_promotional


def test_every_number_opens_the_list_that_it_counted(client, draft, people):
    login(client, *ALL, see=["view_participant", "view_participant_pii"])
    topic, other = InterestFactory.create_batch(2)
    others = ParticipantFactory.create_batch(3, agreed=True, interests=[other])
    fragment = client.post(url("counts", draft.pk), typed(draft, interests=[topic.pk])).text
    link = re.search(r'href="([^"]*why=not_interested)"', fragment)[1].replace("&amp;", "&")
    page = client.get(link).text
    assert all(person.email in page for person in others)
    assert not any(person.email in page for person in people)


def test_names_and_addresses_are_masked_for_who_may_not_see_them(client, draft, people):
    login(client, *ALL, see=["view_participant"])
    for address in (editor(draft), url("audience", draft.pk)):
        page = client.get(address).text
        assert people[0].masked_email in page
        assert people[0].email not in page


def test_who_may_not_see_people_sees_numbers_alone(client, draft, people):
    login(client, *ALL)
    ParticipantFactory()
    page = client.get(editor(draft)).text
    assert "1 have not agreed" in page
    assert people[0].masked_email not in page
    assert client.get(url("audience", draft.pk)).status_code == 302


@pytest.mark.parametrize("may_see", [True, False])
def test_who_answered_a_sensitive_consultation_is_a_number_alone(client, draft, people, may_see):
    consultation = draft.consultation
    consultation.is_sensitive = True
    consultation.save()
    version = consultation.form_versions.get()
    ConsultationResponseFactory(form_version=version, participant=people[0])
    extra = ["view_sensitive_response"] if may_see else []
    login(client, *ALL, see=["view_participant", *extra])
    assert ("why=answered" in client.get(editor(draft)).text) == may_see
    assert "1 already answered" in client.get(editor(draft)).text
    listed = client.get(f"{url('audience', draft.pk)}?why=answered")
    assert (listed.status_code == 200) == may_see
    assert (people[0].masked_email in listed.text) == may_see


def test_a_press_of_send_starts_it_and_shows_how_far_it_is(client, draft, people):
    login(client, *ALL)
    page = press_send(client, draft)
    assert page.redirect_chain[-1][0] == url("progress", draft.pk)
    assert "0 of 5 done" in page.text
    assert Delivery.objects.count() == 5
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.invitation_started")
    assert entry.data == {"recipients": 5, "start": "now"}


def test_two_presses_of_send_start_it_once(client, draft, people):
    login(client, *ALL)
    press_send(client, draft)
    assert "had been started already" in press_send(client, draft, shown_count=5).text
    assert Delivery.objects.count() == 5


def test_without_the_right_to_send_there_is_no_button_and_no_way(client, draft, people):
    login(client, "add", "change")
    assert "Send to 5 people" not in client.get(editor(draft)).text
    press_send(client, draft)
    assert Invitation.objects.get().status == "draft"


def test_many_people_are_sent_to_only_when_their_number_is_typed(client, draft, people, settings):
    settings.WAGTAIL_ENGAGEMENT_TYPE_NUMBER_ABOVE = 4
    login(client, *ALL)
    assert "Type their number, 5" in client.get(editor(draft)).text
    assert "Type the number" in press_send(client, draft, typed="6").text
    assert not Delivery.objects.exists()
    press_send(client, draft, typed="5")
    assert Delivery.objects.count() == 5


def test_what_a_colleague_changed_meanwhile_is_looked_at_first(client, draft, people):
    login(client, *ALL)
    seen = queries.version(draft)
    Invitation.objects.update(subject="Changed by a colleague")
    assert "Somebody has changed" in press_send(client, draft, shown_version=seen).text
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 40, "\x00"])
def test_nonsense_in_place_of_the_number_sends_nothing(client, draft, people, value):
    login(client, *ALL)
    assert press_send(client, draft, shown_count=value).status_code == 200
    assert not Delivery.objects.exists()


def test_what_is_in_the_way_is_said_and_hides_the_button(client, draft):
    login(client, *ALL)
    Invitation.objects.update(subject="")
    page = client.get(editor(draft)).text
    assert "Nobody would get this" in page and "There is no subject" in page
    assert "Send to" not in page.split("4. Send")[1].split("</section>")[0].replace("4. Send", "")


def test_a_missing_worker_is_named_and_a_present_one_too(client, draft, people):
    login(client, *ALL)
    assert "is not running" in client.get(editor(draft)).text
    WorkerSign.objects.create(name="one", seen_at=timezone.now())
    assert "is not running" not in client.get(editor(draft)).text


def test_a_started_invitation_can_be_neither_edited_nor_deleted(client, draft, people, start):
    login(client, *ALL)
    start()
    assert client.get(editor(draft)).headers["Location"] == url("progress", draft.pk)
    client.post(editor(draft), typed(draft, subject="Too late"))
    delete = reverse("wagtailsnippets_wagtail_engagement_invitation:delete", args=[draft.pk])
    client.post(delete)
    bulk = reverse("wagtail_bulk_action", args=["wagtail_engagement", "invitation", "delete"])
    client.post(f"{bulk}?id={draft.pk}", {"next": "/admin/"})
    assert Invitation.objects.get().subject == draft.subject


def test_a_start_between_opening_and_saving_wins(draft, people, start):
    start()
    draft.subject = "Too late"
    with pytest.raises(sending.NotPossible):
        sending.amend(invitation=draft, interests=[])
    assert Invitation.objects.get().status == "sending"


def test_a_draft_can_be_deleted(client, draft):
    login(client, *ALL)
    client.post(reverse("wagtailsnippets_wagtail_engagement_invitation:delete", args=[draft.pk]))
    assert not Invitation.objects.exists()


def test_the_progress_screen_tells_every_number_and_they_add_up(client, draft, people, start):
    login(client, *ALL, see=["view_participant"])
    start()
    states = ["accepted", "bounced", "uncertain", "skipped", "pending"]
    for row, state in zip(Delivery.objects.all(), states, strict=True):
        reason = "closed" if state == "skipped" else ""
        Delivery.objects.filter(pk=row.pk).update(state=state, reason=reason)
    page = " ".join(client.get(url("progress", draft.pk)).text.split())
    assert "4 of 5 done" in page and "1 the consultation closed first" in page
    assert "We cannot tell if 1 email arrived" in page
    for group in ("sent", "waiting", "not_arrived", "unknown", "skipped"):
        assert client.get(url("people", draft.pk, group)).text.count(people[0].masked_email) == 1


def test_pause_go_on_and_stop_are_one_press_each(client, draft, people, start):
    login(client, *ALL)
    start()
    for name, status in (("pause", "paused"), ("resume", "sending"), ("stop", "stopped")):
        assert client.get(url(name, draft.pk)).status_code == 405
        client.post(url(name, draft.pk))
        assert Invitation.objects.get().status == status
    assert "somebody was quicker" in client.post(url("resume", draft.pk), follow=True).text


def test_only_who_may_send_may_pause_and_stop(client, draft, people, start):
    login(client, "add", "change", "view")
    start()
    for name in ("pause", "stop"):
        client.post(url(name, draft.pk))
    assert Invitation.objects.get().status == "sending"


def test_those_who_missed_it_get_a_new_draft(client, draft, people, start):
    login(client, *ALL)
    start()
    client.post(url("stop", draft.pk))
    assert "Send to those who missed it" in client.get(url("progress", draft.pk)).text
    client.post(url("follow_up", draft.pk))
    assert Invitation.objects.filter(status="draft", subject=draft.subject).count() == 1


def test_a_test_goes_to_a_colleague_with_links_that_lead_nowhere(client, draft):
    colleague = login(client, *ALL)
    response = client.post(url("test", draft.pk), {"to": colleague.pk}, follow=True)
    assert f"on its way to {colleague.email}" in response.text
    (message,) = mail.outbox
    assert message.subject.startswith("[Test] ") and message.to == [colleague.email]
    assert "/engagement/" not in message.body and f"i={draft.code}" not in message.body
    assert "List-Unsubscribe" not in message.extra_headers


def test_a_test_goes_to_nobody_but_colleagues(client, draft):
    login(client, *ALL)
    outsider = UserFactory()
    client.post(url("test", draft.pk), {"to": outsider.pk})
    assert mail.outbox == []


@pytest.mark.parametrize(("mode", "start"), [("html", "<!doctype html>"), ("text", "")])
def test_the_preview_shows_what_is_typed_and_stores_nothing(client, draft, mode, start):
    login(client, *ALL)
    address = reverse(
        "wagtailsnippets_wagtail_engagement_invitation:preview_on_edit", args=[draft.pk]
    )
    topic = InterestFactory(name="Allotments")
    values = typed(draft, subject="Typed just now", interests=[topic.pk])
    assert client.post(address, values).json()["is_valid"]
    response = client.get(f"{address}?mode={mode}")
    assert response.text.strip().startswith(start)
    assert "Allotments" in response.text
    assert not draft.interests.exists()


def test_adding_an_invitation_asks_for_its_consultation_first(client, consultation):
    login(client, *ALL)
    add = reverse("wagtailsnippets_wagtail_engagement_invitation:add")
    assert client.get(add).headers["Location"] == url("new")


def test_the_list_of_invitations_says_how_each_stands(client, draft, people, start):
    login(client, *ALL)
    start()
    page = client.get(reverse("wagtailsnippets_wagtail_engagement_invitation:list")).text
    assert draft.subject in page and "Sending" in page and "The future of Mill Meadow" in page
