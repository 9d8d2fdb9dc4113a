"""Answers that came on paper or by telephone, typed in by staff."""

import csv

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests import factories
from tests.participants.post import link_in, open_link, press, send
from tests.site import DAY, EVERY_ANSWER, key_of
from wagtail_engagement.models import (
    Claim,
    ConsentEvent,
    ConsultationResponse,
    EngagementSettings,
    Participant,
)

pytestmark = pytest.mark.django_db
ADDRESS = "bea@example.org"
TODAY = timezone.localdate()


def screen(page):
    return reverse("wagtail_engagement_enter", args=[page.consultation.pk])


def from_paper(client, page, *, on=TODAY, press="another", **typed):
    """Open the screen, type a paper form, and press a button."""
    form = client.get(screen(page)).context["form"]
    hidden = {field.html_name: field.value() or "" for field in form.hidden_fields()}
    day = {"received_on_day": on.day, "received_on_month": on.month, "received_on_year": on.year}
    data = {**hidden, "channel": "paper", **day, press: "yes", **EVERY_ANSWER, **typed}
    return client.post(screen(page), data)


def entered():
    return ConsultationResponse.objects.filter(route="staff")


def test_a_paper_form_becomes_an_answer_of_the_day_it_came(login, council):
    ConsultationResponse.objects.all().delete()
    from_paper(login("lead"), council.own, on=TODAY - DAY)
    response = entered().get()
    assert timezone.localdate(response.submitted_at) == TODAY - DAY
    assert (response.status, response.route_key) == ("counted", "paper")
    assert response.answers[key_of("How many minutes away?")] == "1200"


def test_who_typed_it_stands_in_the_log_and_nothing_of_the_person(login, council):
    from_paper(login("lead"), council.own, email=ADDRESS, name="Bea Canary")
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.response_entered")
    assert entry.user.username == "lead"
    assert entry.label == f"Response {entered().get().reference}"
    assert entry.data == {"channel": "paper", "received_on": TODAY.isoformat()}


def test_a_wrong_answer_is_refused_in_the_words_of_the_public_form(login, council):
    minutes = f"q-{key_of('How many minutes away?')}"
    typed = {minutes: "soon", f"q-{key_of('Which park?')}": "Mill Meadow"}
    told = from_paper(login("lead"), council.own, **typed).text
    assert "The answer to “How many minutes away?” must be a number" in told
    assert 'value="soon"' in told and 'value="Mill Meadow"' in told
    assert not entered().exists()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"channel": ""}, "Choose how the answer reached you"),
        ({"received_on_day": ""}, "The date must include a day"),
        ({"on": TODAY + DAY}, "The day must be today or in the past"),
        ({"on": TODAY - 9 * DAY}, "for nobody was asked before"),
    ],
)
def test_how_and_when_it_came_has_to_be_said(wrong, told, login, council):
    assert told in from_paper(login("lead"), council.own, **wrong).text
    assert not entered().exists()


def test_nobody_needs_an_email_address_to_answer_on_paper(login, council):
    council.own.ask_email = council.own.ask_name = "required"
    council.own.save()
    from_paper(login("lead"), council.own)
    assert entered().count() == 1


def test_a_tick_on_paper_is_confirmed_by_mail_and_its_proof_names_the_paper(login, council):
    from_paper(login("lead"), council.own, email=ADDRESS, may_result="on")
    assert not Participant.objects.filter(email=ADDRESS).exists()
    client = Client()
    press(client, open_link(client, link_in(send()[0])), "confirm")
    given = ConsentEvent.objects.get(participant__email=ADDRESS)
    assert (given.purpose, given.action) == ("result", "given")
    assert given.evidence == f"claim {Claim.objects.get().uuid}, paper {TODAY.isoformat()}"


def test_an_address_without_a_tick_gives_nothing(login, council):
    from_paper(login("lead"), council.own, email=ADDRESS)
    assert entered().get().contact.email == ADDRESS
    assert not Claim.objects.exists()


def test_who_wrote_on_paper_was_not_told_of_a_public_task(login, council):
    factories.ConsentWordingFactory(basis="public_task", label="Do not invite me")
    facts = {"basis_decided_by": "Al", "basis_decided_on": TODAY}
    EngagementSettings.objects.create(
        site=council.own.get_site(), invite_basis="public_task", **facts
    )
    assert "Do not invite me" in Client().get(council.own.url).text
    assert "Do not invite me" not in login("lead").get(screen(council.own)).text


def test_the_next_of_a_pile_begins_with_how_the_last_one_came(login, council):
    client = login("lead")
    came = from_paper(client, council.own, channel="letter", on=TODAY - DAY)
    form = client.get(came.url).context["form"]
    assert form["channel"].value() == "letter"
    assert form["received_on"].value() == TODAY - DAY
    assert form["email"].value() is None
    assert client.get(screen(council.own)).context["form"]["channel"].value() is None


def test_a_pile_costs_the_ticks_of_its_forms_and_one_press_each(login, council):
    client = login("lead")
    shown = BeautifulSoup(client.get(from_paper(client, council.own).url).content, "html.parser")
    form = shown.select_one("#engagement-form")
    assert form.find("h2", autofocus=True).get_text() == "What they answered"
    first_button = form.select_one("button")
    assert first_button.get_text() == "Save and enter another"


def test_the_same_form_sent_twice_counts_and_is_logged_once(login, council):
    client = login("lead")
    from_paper(client, council.own, submission_key="same")
    from_paper(client, council.own, submission_key="same")
    assert entered().count() == 1
    logged = ModelLogEntry.objects.filter(action="wagtail_engagement.response_entered")
    assert logged.count() == 1


def test_answers_are_cut_by_how_staff_got_them(login, council):
    client = login("lead")
    from_paper(client, council.own)
    from_paper(client, council.own, channel="telephone")
    key = [council.own.consultation.pk]
    ways = client.get(reverse("wagtail_engagement_routes", args=key)).context["ways"]
    assert [(way.label, way.name, way.number) for way in ways][1:] == [
        ("Entered by staff", "On a paper form", 1),
        ("Entered by staff", "By telephone", 1),
    ]
    export = reverse("wagtail_engagement_responses:export", args=key)
    lines = client.get(f"{export}?route=staff&route_key=telephone").getvalue().decode("utf-8-sig")
    assert [row["Link"] for row in csv.DictReader(lines.splitlines())] == ["By telephone"]


@pytest.mark.parametrize("about", [{"is_sensitive": True}, {"ask_name": "not_asked"}])
def test_where_nobody_may_be_told_apart_the_log_names_no_answer(about, login, council):
    page = council.own
    page.ask_email = "not_asked"
    for name, value in about.items():
        setattr(page, name, value)
    page.save()
    from_paper(login("lead"), page)
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.response_entered")
    assert (entry.label, entry.data, entered().get().route_key) == ("Own park", {}, "")


def closed_since(page, days):
    page.opens_at, page.closes_at = timezone.now() - 60 * DAY, timezone.now() - days * DAY
    page.save()


def test_after_closing_it_takes_a_reason_which_is_logged(login, council):
    closed_since(council.own, 2)
    client = login("lead")
    told = from_paper(client, council.own).text
    assert "Enter why the answer counts after closing" in told and "Mill Meadow" in told
    from_paper(client, council.own, note="It lay in the library's box.")
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.response_entered")
    assert entry.data["after_closing"] == "It lay in the library's box."


@pytest.mark.parametrize("note", ["Bea Canary forgot it", "See bea@example.org"])
def test_the_reason_names_nobody(note, login, council):
    closed_since(council.own, 2)
    told = from_paper(login("lead"), council.own, name="Bea Canary", note=note).text
    assert "Say why without a name or an address" in told
    assert not entered().exists()


def test_after_closing_it_also_takes_a_permission(login, council, django_user_model):
    closed_since(council.own, 2)
    client = login("analyst")
    analyst = django_user_model.objects.get(username="analyst")
    analyst.user_permissions.add(Permission.objects.get(codename="enter_response"))
    told = client.get(screen(council.own))
    assert "You need the permission to enter answers late" in told.text
    assert told.context["form"] is None


@pytest.mark.parametrize(
    ("days", "told"), [(29, "it is too late to enter more answers"), (-400, "not opened yet")]
)
def test_long_after_closing_and_before_opening_nothing_is_entered(days, told, login, council):
    closed_since(council.own, days)
    if days < 0:
        council.own.opens_at = timezone.now() + DAY
        council.own.save()
    client = login("lead")
    assert told in client.get(screen(council.own)).text
    shown = client.post(screen(council.own), {**EVERY_ANSWER, "channel": "paper"})
    assert told in shown.text and "More benches." in shown.text
    assert not entered().exists()


def test_nothing_is_entered_for_a_page_that_is_not_published(login, council):
    council.own.unpublish()
    assert "Its page is not published" in login("lead").get(screen(council.own)).text
