"""Which organisations that must be notified were notified."""

import csv

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests import factories

pytestmark = pytest.mark.django_db


def council_of(name="Parish council", **values):
    return factories.ParticipantFactory(
        kind="organisation", must_be_notified=True, name=name, **values
    )


def screen(council, name="wagtail_engagement_notified"):
    return reverse(name, args=[council.own.consultation.pk])


def rows_of(answer):
    return list(csv.reader(answer.getvalue().decode("utf-8-sig").splitlines()))


def notices_for(client, council):
    return client.get(screen(council)).context["notices"]


@pytest.mark.parametrize(
    ("state", "reason", "is_notified", "told"),
    [
        ("accepted", "", True, "Notified: sent"),
        ("delivered", "", True, "Notified: delivered"),
        ("uncertain", "", False, "We cannot tell if the message arrived"),
        ("accepted", "journal", False, "We cannot tell if the message arrived"),
        ("pending", "", False, "Not yet: waiting"),
        ("bounced", "550 no such box", False, "Not notified: came back"),
        ("skipped", "closed", False, "Not notified: the consultation closed first"),
    ],
)
def test_each_organisation_says_what_became_of_its_message(
    state, reason, is_notified, told, login, full_council
):
    factories.DeliveryFactory(
        invitation=full_council.invitation, participant=council_of(), state=state, reason=reason
    )
    (notice,) = notices_for(login("lead"), full_council)
    assert (notice.is_notified, notice.told) == (is_notified, told)


def test_a_message_that_came_back_says_what_its_provider_reported(login, full_council):
    factories.DeliveryFactory(
        invitation=full_council.invitation,
        participant=council_of(),
        state="bounced",
        bounce="hard",
    )
    (notice,) = notices_for(login("lead"), full_council)
    assert notice.told == "Not notified: came back, the address does not exist"


def test_the_delivery_that_says_most_stands_for_all(login, full_council):
    council, again = (
        council_of(),
        factories.InvitationFactory(consultation=full_council.own.consultation),
    )
    at = timezone.now()
    for invitation, state in ((full_council.invitation, "accepted"), (again, "skipped")):
        factories.DeliveryFactory(
            invitation=invitation, participant=council, state=state, handed_at=at
        )
    (notice,) = notices_for(login("lead"), full_council)
    assert (notice.is_notified, notice.at) == (True, at)


def test_who_got_no_message_says_why(login, full_council):
    council_of("A")
    council_of("B", agreed=True)
    council_of("C", agreed=True, left=True)
    factories.DeliveryFactory(participant=council_of("D"), state="accepted")  # about another one
    told = [notice.told for notice in notices_for(login("lead"), full_council)]
    assert told == [
        "Not notified: has not agreed",
        "Not notified: in no invitation so far",
        "Not notified: asked us to stop",
        "Not notified: has not agreed",
    ]


def test_the_screen_says_how_many_have_been_notified(login, full_council):
    for number in range(51):
        person = council_of(f"Council {number:02}")
        if number < 3:
            factories.DeliveryFactory(
                invitation=full_council.invitation, participant=person, state="delivered"
            )
    answer = login("lead").get(screen(full_council))
    assert "51 organisations must be notified. Notified so far: 3." in " ".join(answer.text.split())
    assert len(answer.context["notices"]) == 50 and "?p=2" in answer.text


def test_who_may_not_see_addresses_sees_masks_and_leaves_no_entry(login, full_council):
    person = council_of(email="clerk@parish.example")
    shown = login("analyst").get(screen(full_council)).text
    assert person.masked_email in shown and "clerk@" not in shown and person.name not in shown
    assert not ModelLogEntry.objects.exists()


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("wagtail_engagement_notified", "notified_viewed"),
        ("wagtail_engagement_notified_export", "notified_exported"),
    ],
)
def test_a_look_and_an_export_are_logged_without_an_address(name, action, login, full_council):
    council_of(email="clerk@parish.example")
    login("lead").get(screen(full_council, name))
    (entry,) = ModelLogEntry.objects.filter(action__startswith="wagtail_engagement").values()
    assert entry["action"] == f"wagtail_engagement.{action}"
    assert "clerk" not in str(entry) and "Parish" not in str(entry)


def test_the_file_holds_every_organisation_and_runs_nothing(login, full_council):
    person = council_of("=HYPERLINK(1)", email="clerk@parish.example")
    factories.DeliveryFactory(
        invitation=full_council.invitation,
        participant=person,
        state="delivered",
        handed_at=timezone.now(),
    )
    url = screen(full_council, "wagtail_engagement_notified_export")
    heading, row = rows_of(login("lead").get(url))
    assert heading[0] == "Organisation" and len(heading) == len(row)
    assert row[:3] == ["'=HYPERLINK(1)", "clerk@parish.example", "yes"] and row[3]


def test_the_file_is_read_in_parts_that_ask_two_questions_each(
    login, full_council, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr("wagtail_engagement.insight.reporting.CHUNK", 2)
    for number in range(5):
        council_of(f"Council {number}")
    url = screen(full_council, "wagtail_engagement_notified_export")
    answer = login("lead").get(url)
    with django_assert_num_queries(1 + 2 * 3):
        rows = rows_of(answer)
    assert [row[0] for row in rows[1:]] == [f"Council {number}" for number in range(5)]


def test_progress_and_responses_lead_to_the_list(login, full_council):
    client, url = login("lead"), screen(full_council)
    full_council.invitation.status = "finished"
    full_council.invitation.save()
    progress = reverse("engagement_invitations:progress", args=[full_council.invitation.pk])
    answers = reverse(
        "wagtail_engagement_responses:of_consultation", args=[full_council.own.consultation.pk]
    )
    assert url in client.get(progress).text and url in client.get(answers).text
