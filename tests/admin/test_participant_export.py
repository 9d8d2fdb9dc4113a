"""The export of participants: who gets it, what is in it, and what is written down."""

import csv
import io

import openpyxl
import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from wagtail.models import ModelLogEntry

from tests import factories
from wagtail_engagement.models import Participant
from wagtail_engagement.participants import exporting

from .conftest import ADDRESS

pytestmark = pytest.mark.django_db
WHY = {"purpose": "Posters for the park", "kind": "csv"}


def url_of(**query):
    return reverse("wagtail_engagement_participants:export", query=query)


def content(answer):
    return b"".join(answer.streaming_content)


def rows_of(answer):
    text = content(answer).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def lead(login, council):
    return login("lead")


def test_a_row_says_who_somebody_is_and_what_they_agreed_to(lead):
    parks, trees = (factories.InterestFactory(name=name) for name in ("Parks", "Trees"))
    person = factories.ParticipantFactory(
        email="ola@example.com", name="=Ola", area="Mill", interests=[trees, parks], agreed=True
    )
    row = rows_of(lead.post(url_of(q="ola@example.com"), WHY))[0]
    assert row.pop("Joined").startswith("20")
    assert row == {
        "Number": str(person.pk),
        "Email address": "ola@example.com",
        "Name": "'=Ola",
        "Kind": "Person",
        "Area": "Mill",
        "May be invited": "Yes: agreed",
        "Interests": "Parks; Trees",
        "Where from": "form, confirmed by mail",
    }


@pytest.mark.parametrize(("sensitive", "told"), [(False, ": Own park"), (True, "")])
def test_where_somebody_came_from_names_no_sensitive_consultation(
    sensitive, told, lead, full_council
):
    consultation = full_council.own.consultation
    type(consultation).objects.filter(pk=consultation.pk).update(is_sensitive=sensitive)
    person = factories.ParticipantFactory()
    for place in (consultation, full_council.foreign.consultation):
        factories.ConsentEventFactory(participant=person, consultation=place)
    row = rows_of(lead.post(url_of(q=person.email), WHY))[0]
    assert row["Where from"] == f"form, confirmed by mail{told}"


def test_the_screen_says_how_many_and_by_which_filters(lead):
    factories.ParticipantFactory.create_batch(2, agreed=True)
    page = lead.get(url_of(invitations="granted", q="", interest="", joined_at_from="")).text
    assert "2 people with names and addresses" in page
    assert "<dt>Invitations</dt>" in page and "<dd>agreed</dd>" in page


def test_a_filter_that_means_nothing_is_left_out(lead):
    page = lead.get(url_of(interest="x", joined_at_from="never")).text
    assert "1 person with name and address" in page
    assert "<dt>Joined</dt>" not in page


def test_a_workbook_holds_the_same_rows(lead):
    factories.ParticipantFactory(name="=cmd()")
    as_csv = rows_of(lead.post(url_of(), WHY))
    answer = lead.post(url_of(), {**WHY, "kind": "xlsx"})
    sheet = openpyxl.load_workbook(io.BytesIO(content(answer))).active
    heading, *rows = sheet.iter_rows(values_only=True)
    found = [dict(zip(heading, [str(cell or "") for cell in row], strict=True)) for row in rows]
    assert found == as_csv


@pytest.mark.parametrize("query", [{"q": ADDRESS}, {"invitations": "granted"}, {}])
def test_the_file_holds_whom_the_listing_shows(query, lead):
    factories.ParticipantFactory.create_batch(3)
    shown = lead.get("/admin/engagement/participants/", query).context["object_list"]
    rows = rows_of(lead.post(url_of(**query), WHY))
    assert {row["Number"] for row in rows} == {str(person.pk) for person in shown}


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"purpose": ""}, "Say what the file is for."),
        ({"purpose": f"For {ADDRESS}"}, "Say what the file is for without an address."),
        ({"kind": ""}, "Choose a kind of file."),
    ],
)
def test_without_a_purpose_there_is_no_file(typed, told, lead):
    answer = lead.post(url_of(), {**WHY, **typed})
    assert told in answer.text
    assert not ModelLogEntry.objects.filter(action__endswith="exported").exists()


def test_more_people_than_a_workbook_takes_are_offered_csv(lead, monkeypatch):
    monkeypatch.setattr(exporting, "XLSX_ROWS", 0)
    answer = lead.post(url_of(), {**WHY, "kind": "xlsx"})
    assert "Choose CSV, or filter the list." in answer.text


def test_purpose_number_and_filters_are_logged_without_the_words_of_a_search(lead):
    lead.post(url_of(q=ADDRESS, invitations="never_agreed"), WHY)
    data = ModelLogEntry.objects.get(action="wagtail_engagement.participants_exported").data
    assert data["purpose"] == "Posters for the park"
    assert (data["rows"], data["kind"]) == (1, "csv")
    assert data["filters"] == {"Invitations": "has not agreed", "Search": "yes"}


@pytest.mark.parametrize("missing", ["view_participant_pii", "export_participant"])
def test_without_either_permission_nothing_is_exported(missing, login, council):
    client = login("lead")
    group = Group.objects.get(name="Engagement lead")
    group.permissions.remove(group.permissions.get(codename=missing))
    assert client.post(url_of(), WHY).status_code in (302, 403)
    assert "participants/export/" not in client.get("/admin/engagement/participants/").text


def test_the_export_costs_the_same_statements_for_2_and_for_40_people(lead):
    counts = []
    for number in (2, 40):
        factories.ParticipantFactory.create_batch(number)
        with CaptureQueriesContext(connection) as made:
            rows = list(exporting.export_rows(Participant.objects.all()))
        counts.append(len(made))
    assert len(rows) == 44
    assert counts[0] == counts[1]
