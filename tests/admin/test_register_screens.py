"""Participants, do not contact, wordings: what each role sees, finds and changes."""

import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import strip_tags
from wagtail.models import ModelLogEntry

from tests import factories
from tests.site import DAY
from wagtail_engagement import addresses
from wagtail_engagement.models import (
    Claim,
    ConsentEvent,
    ConsentWording,
    ImportBatch,
    Interest,
    Participant,
    ParticipantInterest,
    Suppression,
)

from .conftest import ADDRESS

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/engagement/participants/"
DO_NOT_CONTACT = "/admin/engagement/do-not-contact/"


def text_of(client, url, **query):
    answer = client.get(url, query)
    assert answer.status_code == 200
    return answer.content.decode()


def people_in(client, **query):
    return list(client.get(PEOPLE, query).context["object_list"])


def join(number):
    rows = [
        Participant(email=f"p{n}@example.com", address_key=f"p{n}@example.com", name=f"Person {n}")
        for n in range(number)
    ]
    return Participant.objects.bulk_create(rows)


def test_the_do_not_contact_list_says_in_words_how_each_entry_was_learned(
    login, council, django_assert_max_num_queries
):
    sheets = [
        ImportBatch.objects.create(filename="x.csv", sha256="0", source=f"Sheet {number}")
        for number in range(5)
    ]
    for source in [f"import {sheet.uuid}" for sheet in sheets] + ["import of May", "one_click"]:
        factories.SuppressionFactory(address=f"{len(source)}{source[-4:]}@x.org", source=source)
    client = login("steward")
    client.get(DO_NOT_CONTACT)
    with django_assert_max_num_queries(30):
        shown = text_of(client, DO_NOT_CONTACT)
    assert [f"Sheet {n}, brought in" in shown for n in range(5)] == [True] * 5
    assert "import of May" in shown and "leave button of a mail program" in shown
    assert str(sheets[0].uuid) not in shown


@pytest.mark.parametrize("url", [PEOPLE, DO_NOT_CONTACT])
def test_a_search_says_what_it_finds_before_and_after(url, login, council):
    steward = login("steward")
    assert 'placeholder="Whole address' in text_of(steward, url)
    assert "The search finds a whole address" in text_of(steward, f"{url}results/", q="zebra")
    assert "The search finds" not in text_of(steward, f"{url}results/")


@pytest.mark.parametrize("group", ["Editors", "Moderators"])
def test_wagtails_own_groups_may_do_nothing_of_ours(group):
    ours = Permission.objects.filter(content_type__app_label="wagtail_engagement")
    call_command("engagement_roles", verbosity=0)
    assert ours.exists()
    assert not Group.objects.get(name=group).permissions.filter(pk__in=ours).exists()


def test_the_roles_can_be_made_again_and_lose_what_they_should_not_have(capsys):
    call_command("engagement_roles")
    analyst = Group.objects.get(name="Engagement analyst")
    before = set(analyst.permissions.values_list("codename", flat=True))
    analyst.permissions.add(Permission.objects.get(codename="view_participant_pii"))
    call_command("engagement_roles")
    assert set(analyst.permissions.values_list("codename", flat=True)) == before
    assert "up to date" in capsys.readouterr().out


def test_an_analyst_sees_no_names_and_no_addresses(login, full_council):
    client = login("analyst")
    inspect = reverse("wagtail_engagement_participants:inspect", args=[full_council.person.pk])
    for url in (PEOPLE, inspect, "/admin/engagement/deliveries/"):
        shown = text_of(client, url)
        assert "canary" not in shown.lower()
        assert "a•••••@e•••••.com" in shown


def test_a_lead_sees_names_and_addresses(login, council):
    shown = text_of(login("lead"), PEOPLE)
    assert ADDRESS in shown
    assert "Ann Canary" in shown


@pytest.mark.parametrize("query", [ADDRESS, "Ann", "zzz"])
def test_without_contact_details_a_search_tells_nothing(query, login, council):
    join(2)
    client = login("analyst")
    assert people_in(client, q=query) == people_in(client)
    assert people_in(client, ordering="email", email=query, name=query) == people_in(client)


@pytest.mark.parametrize(
    ("query", "found"),
    [("Ann.Canary@EXAMPLE.com", 1), ("ann c", 1), ("canary", 0), ("canary@example.com", 0)],
)
def test_a_lead_finds_by_the_exact_address_or_the_start_of_a_name(query, found, login, council):
    join(2)
    assert len(people_in(login("lead"), q=query)) == found


def test_people_are_filtered_by_permission_and_interest(login, full_council):
    join(2)
    topic, person = full_council.interest, full_council.person
    ParticipantInterest.objects.create(participant=person, interest=topic, origin="declared")
    client = login("analyst")
    assert people_in(client, invitations="granted") == [person]
    assert len(people_in(client, invitations="never_agreed")) == 2
    assert people_in(client, interest=topic.pk) == [person]
    assert people_in(client, joined_at_from="2999-01-01") == []


def test_the_listing_costs_the_same_for_1_and_for_40_people(login, council):
    client = login("lead")
    client.get(PEOPLE)
    with CaptureQueriesContext(connection) as few:
        client.get(PEOPLE)
    join(40)
    with CaptureQueriesContext(connection) as many:
        client.get(PEOPLE)
    assert len(many) == len(few)


def test_a_person_is_shown_with_permissions_and_what_happened(login, full_council):
    url = reverse("wagtail_engagement_participants:inspect", args=[full_council.person.pk])
    shown = text_of(login("lead"), url)
    assert "Agreed to be invited<small>form, confirmed by mail</small>" in shown
    assert "Was invited to Own park<small>sent</small>" in shown
    assert "Yes: agreed" in shown


def test_a_look_at_a_person_is_logged_without_name_and_address(login, full_council):
    url = reverse("wagtail_engagement_participants:inspect", args=[full_council.person.pk])
    login("lead").get(url)
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.participant_viewed")
    assert entry.label == f"Participant {full_council.person.pk}"
    assert "canary" not in f"{entry.label}{entry.data}".lower()


@pytest.mark.parametrize(("role", "told"), [("analyst", False), ("lead", True)])
def test_a_part_in_a_sensitive_consultation_shows_to_its_own_permission(
    role, told, login, full_council
):
    consultation, person = full_council.own.consultation, full_council.person
    type(consultation).objects.filter(pk=consultation.pk).update(is_sensitive=True)
    consultation.responses.update(participant=person)
    facts = {"purpose": "result", "action": "given", "channel": "form"}
    ConsentEvent(participant=person, consultation=consultation, **facts).save()
    url = reverse("wagtail_engagement_participants:inspect", args=[person.pk])
    shown = text_of(login(role), url)
    assert ("Own park" in shown) == told
    assert ("a consultation" in shown) != told
    assert (consultation.responses.get().reference in shown) == told


def test_an_answer_to_a_page_of_others_is_told_without_title_and_reference(login, full_council):
    person = full_council.person
    for page in (full_council.own, full_council.foreign):
        page.consultation.responses.update(participant=person)
    url = reverse("wagtail_engagement_participants:inspect", args=[person.pk])
    shown = {role: text_of(login(role), url) for role in ("lead", "superuser")}
    reference = full_council.foreign.consultation.responses.get().reference
    assert f"Foreign park<small>reference {reference}</small>" in shown["superuser"]
    assert "Took part in Own park<small>reference" in shown["lead"]
    assert "Foreign park" not in shown["lead"]
    assert "Took part in a consultation" in shown["lead"]


@pytest.mark.parametrize(("days", "said"), [(3, "held until"), (-3, "waiting to be sent")])
def test_who_waits_behind_a_held_answer_is_told_until_when(days, said, login, full_council):
    until = timezone.now() + days * DAY
    Claim.objects.update(held_until=until)
    shown = text_of(login("lead"), "/admin/engagement/waiting/")
    assert said in shown
    day = date_format(timezone.localtime(until), "j F Y")
    assert (f"held until {day}" in shown) == (days > 0)


def test_people_waiting_to_confirm_are_masked(login, full_council):
    shown = text_of(login("lead"), "/admin/engagement/waiting/")
    assert "b•••••@e•••••.com" in shown
    assert "bob@example.com" not in shown
    assert "waiting to be sent" in shown


def test_do_not_contact_keeps_no_address(login, council):
    client = login("steward")
    typed = {"address": "Eve@Example.com", "purpose": "", "source": "telephone"}
    assert client.post(f"{DO_NOT_CONTACT}new/", typed).status_code == 302
    row = Suppression.objects.get()
    assert row.fingerprint in addresses.fingerprints("eve@example.com")
    assert (row.reason, row.purpose) == ("manual", None)
    assert "eve" not in str(list(ModelLogEntry.objects.values())).lower()


def test_an_address_that_is_none_is_sent_back_with_what_to_do(login, council):
    answer = login("steward").post(f"{DO_NOT_CONTACT}new/", {"address": "eve at home"})
    assert "Enter an email address in the correct format" in answer.content.decode()
    assert not Suppression.objects.exists()


def test_do_not_contact_is_found_by_the_exact_address(login, full_council):
    client = login("steward")
    rows = {q: client.get(DO_NOT_CONTACT, {"q": q}) for q in ("gone@example.com", "gone@")}
    found = {q: len(answer.context["object_list"]) for q, answer in rows.items()}
    assert found == {"gone@example.com": 1, "gone@": 0}


def test_staff_take_back_what_staff_entered(login, full_council):
    url = f"{DO_NOT_CONTACT}lift/{full_council.suppression.pk}/"
    client = login("steward")
    assert "Take it off the list" in text_of(client, url)
    assert Suppression.objects.exists()
    client.post(url)
    assert not Suppression.objects.exists()
    assert ModelLogEntry.objects.filter(
        action="wagtail_engagement.suppression_lifted",
        label=f"Do not contact {full_council.suppression.pk}",
    ).exists()


def test_what_a_person_said_only_the_person_takes_back(login, full_council):
    Suppression.objects.update(reason="complained")
    url = f"{DO_NOT_CONTACT}lift/{full_council.suppression.pk}/"
    client = login("steward")
    assert "Take it off the list" not in text_of(client, url)
    client.post(url)
    assert Suppression.objects.exists()


def test_new_words_are_a_new_version(login, council):
    first = ConsentWording.objects.get(purpose="invite", language="en")
    client = login("lead")
    url = "/admin/engagement/wordings/new/"
    assert first.label in text_of(client, url, **{"from": first.pk})
    typed = {
        "purpose": "invite",
        "language": "en",
        "basis": "consent",
        "label": "Write to me",
        "hint": "",
    }
    client.post(url, typed)
    newest = ConsentWording.objects.get(purpose="invite", language="en", version=2)
    assert (newest.label, newest.created_by.username) == ("Write to me", "lead")
    assert ConsentWording.objects.filter(pk=first.pk, label=first.label).exists()


def test_a_wording_is_written_in_a_language_of_the_site(login, council, settings):
    settings.LANGUAGES = [("en-GB", "British"), ("cy", "Cymraeg"), ("pl", "Polski")]
    settings.WAGTAIL_CONTENT_LANGUAGES = settings.LANGUAGES[:2]
    client, url = login("lead"), "/admin/engagement/wordings/new/"
    field = client.get(url).context["form"].fields["language"]
    assert [code for code, _name in field.choices] == ["en", "en-gb", "cy"]
    typed = {"purpose": "invite", "basis": "consent", "label": "Write to me", "hint": ""}
    for language in ("Welsh", "en-gb"):
        client.post(url, {**typed, "language": language})
    assert ConsentWording.objects.get(label="Write to me").language == "en-gb"


@pytest.mark.parametrize("role", ["lead", "steward"])
def test_an_interest_is_added_and_retired(role, login, council):
    client = login(role)
    client.post("/admin/engagement/interests/new/", {"name": "Trees", "description": ""})
    interest = Interest.objects.get(name="Trees")
    url = f"/admin/engagement/interests/edit/{interest.pk}/"
    client.post(url, {"name": "Trees", "description": "", "is_retired": "on"})
    assert not Interest.objects.in_use().exists()


def test_the_list_of_deliveries_says_and_filters_by_why_they_came_back(login, full_council):
    for bounce in ("hard", "soft"):
        factories.DeliveryFactory(state="bounced", bounce=bounce)
    shown = login("superuser").get("/admin/engagement/deliveries/?bounce=soft")
    assert shown.context["items_count"] == 1
    cells = re.findall(r"<td[^>]*>(.*?)</td>", shown.content.decode(), flags=re.DOTALL)
    assert "mailbox full or busy" in [strip_tags(cell).strip() for cell in cells]


@pytest.mark.parametrize("path", ["participants/", "do-not-contact/", "deliveries/", "responses/"])
@pytest.mark.parametrize(
    "query",
    [
        "user__password__startswith=x&bogus=1",
        "q=%00&p=%00&ordering=%00",
        "p=99999999999999999999999&interest=99999999999999999999999",
        "joined_at_from=notadate&state=zzz&invitation=zzz",
        "export=csv",
    ],
)
def test_no_listing_breaks_on_strange_questions(path, query, login, full_council):
    answer = login("superuser").get(f"/admin/engagement/{path}?{query}")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["participants/inspect", "responses/read", "responses"])
def test_a_number_that_is_too_long_is_not_found(path, login, full_council):
    url = f"/admin/engagement/{path}/99999999999999999999999999/"
    assert login("superuser").get(url).status_code == 404


def test_a_site_can_give_our_permissions_to_its_own_groups(login, council):
    group = Group.objects.create(name="Parks team")
    form = text_of(login("superuser"), reverse("wagtailusers_groups:edit", args=[group.pk]))
    for label in ("Can see names and addresses", "Can send invitations", "Can read responses"):
        assert label in form


def test_the_number_on_a_filtered_listing_is_that_of_its_rows(login):
    parks = factories.InterestFactory()
    factories.ParticipantFactory.create_batch(2, agreed=True, interests=[parks])
    factories.ParticipantFactory(interests=[parks])
    factories.ParticipantFactory(agreed=True)
    shown = login("lead").get(PEOPLE, {"interest": parks.pk, "invitations": "granted"})
    assert shown.context["paginator"].count == len(shown.context["object_list"]) == 2
