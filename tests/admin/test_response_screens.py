"""Answers: reading, exporting, and deciding about what is held."""

import csv
import io

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests.site import DAY, EVERY_KIND, block, key_of
from wagtail_engagement.models import ConsultationResponse

from .conftest import answer

pytestmark = pytest.mark.django_db
RESPONSES = "/admin/engagement/responses/"


def export_of(client, page):
    got = client.get(f"{RESPONSES}{page.consultation.pk}/export/")
    assert got.status_code == 200
    text = b"".join(got.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def hold(response):
    response.status, response.held_until = "held", timezone.now() + 7 * DAY
    response.held_because = "sent within seconds"
    response.save()
    return response


def test_a_reader_sees_the_consultations_of_the_own_section(login, council):
    shown = login("analyst").get(RESPONSES).content.decode()
    assert "Own park" in shown
    assert "Foreign park" not in shown


def test_answers_without_a_page_need_the_permission_alone(login, council):
    council.foreign.delete()
    shown = login("analyst").get(RESPONSES).content.decode()
    assert "Foreign park" in shown


def test_a_response_is_read_in_words_and_the_look_is_logged(login, council):
    response = council.own.consultation.responses.get()
    shown = login("analyst").get(f"{RESPONSES}read/{response.pk}/").content.decode()
    assert "Walk, Play" in shown
    assert "More benches.<br>Fewer cars." in shown
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.response_viewed")
    assert entry.label == f"Response {response.reference}"


@pytest.mark.parametrize(("role", "sees"), [("analyst", False), ("lead", True)])
def test_contact_details_need_their_own_permission(role, sees, login, council):
    response = answer(council.own, name="Ann Canary", email="ann@canary.org")
    client = login(role)
    read = client.get(f"{RESPONSES}read/{response.pk}/").content.decode()
    assert ("ann@canary.org" in read) == sees
    assert ("ann@canary.org" in str(export_of(client, council.own))) == sees


@pytest.mark.parametrize(("role", "sees"), [("analyst", False), ("lead", True)])
def test_a_response_leads_to_its_person_for_those_who_may_see_names(role, sees, login, council):
    response = council.own.consultation.responses.get()
    ConsultationResponse.objects.update(participant=council.person)
    shown = login(role).get(f"{RESPONSES}read/{response.pk}/").content.decode()
    assert (f"/participants/inspect/{council.person.pk}/" in shown) == sees


@pytest.mark.parametrize(("role", "status"), [("analyst", 404), ("lead", 200)])
def test_a_sensitive_consultation_is_read_with_its_own_permission(role, status, login, council):
    council.own.is_sensitive = True
    council.own.save()
    url = f"{RESPONSES}{council.own.consultation.pk}/"
    assert login(role).get(url).status_code == status


def test_an_export_holds_formulas_as_text_and_is_logged(login, council):
    answer(council.own, **{f"q-{key_of('Which park?')}": "=cmd|'/C calc'!A0"})
    rows = export_of(login("analyst"), council.own)
    assert [row["Which park?"] for row in rows] == ["Mill Meadow", "'=cmd|'/C calc'!A0"]
    assert rows[0]["How many minutes away?"] == "1200"
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.responses_exported")
    assert entry.data == {"rows": 2, "with_contact": False}


def test_a_question_keeps_its_column_when_the_questionnaire_changes(login, council):
    page = council.own
    changed = [{**EVERY_KIND[1], "value": {**EVERY_KIND[1]["value"], "label": "Your park?"}}]
    page.questions = page._meta.get_field("questions").to_python(
        [*changed, block("text", "Anything else?")]
    )
    page.save()
    answer(page, **{f"q-{key_of('Anything else?')}": "No"})
    rows = export_of(login("lead"), page)
    assert [row["Your park?"] for row in rows] == ["Mill Meadow", "Mill Meadow"]
    assert [row["Anything else?"] for row in rows] == ["", "No"]
    assert rows[0]["How often do you go?"] == "Weekly"


def test_what_is_held_is_not_exported(login, council):
    hold(council.own.consultation.responses.get())
    assert export_of(login("lead"), council.own) == []


@pytest.mark.parametrize(("press", "status"), [("release", "counted"), ("reject", "rejected")])
def test_a_held_response_is_decided_about(press, status, login, council):
    response = hold(council.own.consultation.responses.get())
    client = login("lead")
    assert response.reference in client.get(f"{RESPONSES}held/").content.decode()
    client.post(reverse(f"wagtail_engagement_responses:{press}", args=[response.pk]))
    assert ConsultationResponse.objects.get(pk=response.pk).status == status
    assert response.reference not in client.get(f"{RESPONSES}held/").content.decode()


@pytest.mark.parametrize(("press", "status"), [("Release", "counted"), ("Reject", "rejected")])
def test_a_held_response_is_decided_about_from_its_row(press, status, login, council):
    response = hold(council.own.consultation.responses.get())
    client = login("lead")
    client.handler.enforce_csrf_checks = True
    rows = BeautifulSoup(client.get(f"{RESPONSES}held/").content, "html.parser")
    form = next(form for form in rows.select("td form") if press in form.get_text())
    assert form.button.get_text() == f"{press} {response.reference}"
    typed = {field["name"]: field["value"] for field in form.select("input")}
    told = client.post(form["action"], typed)
    assert told.url == f"{RESPONSES}held/"
    assert ConsultationResponse.objects.get(pk=response.pk).status == status


def test_a_second_decision_changes_nothing(login, council):
    response = council.own.consultation.responses.get()
    client = login("lead")
    told = client.post(f"{RESPONSES}reject/{response.pk}/", follow=True).content.decode()
    assert "was decided about already" in told
    assert ConsultationResponse.objects.get(pk=response.pk).status == "counted"


def test_a_decision_is_never_made_by_opening_an_address(login, council):
    response = hold(council.own.consultation.responses.get())
    assert login("lead").get(f"{RESPONSES}release/{response.pk}/").status_code == 405
    assert ConsultationResponse.objects.get(pk=response.pk).status == "held"
