"""How people arrived: what editors see, cut and make."""

import csv

import pytest
from django.test import Client
from django.urls import reverse
from wagtail.models import ModelLogEntry

from tests import factories
from tests.admin.conftest import answer
from tests.site import DAY, EVERY_ANSWER, add_consultation, form_data, key_of
from wagtail_engagement.consultations import passing
from wagtail_engagement.consultations.doors import NamedLink
from wagtail_engagement.consultations.questions import option_key
from wagtail_engagement.models import ConsultationResponse

pytestmark = pytest.mark.django_db


def screen(council, name="wagtail_engagement_routes", *args):
    return reverse(name, args=[council.own.consultation.pk, *args])


def poster(council, name="Library poster", kind="partner"):
    return NamedLink.objects.create(consultation=council.own.consultation, name=name, kind=kind)


def came_by(page, query, **typed):
    data = form_data(Client(), page, **{**EVERY_ANSWER, **typed})
    Client().post(f"{page.url}?{query}", data)


def test_the_screen_says_by_which_ways_responses_came(login, council):
    link = poster(council)
    mailed = factories.InvitationFactory(
        consultation=council.own.consultation, subject="Come and say", recipients=40
    )
    came_by(council.own, f"via={link.code}")
    came_by(council.own, f"i={mailed.code}")
    ways = login("lead").get(screen(council)).context["ways"]
    assert [(way.label, way.name, way.number) for way in ways] == [
        ("Open link", "", 1),
        ("Invitation", "Come and say", 1),
        ("Partner", "Library poster", 1),
    ]
    assert [round(way.share) for way in ways] == [33, 33, 33]
    assert ways[1].rate == 2.5


def test_what_is_held_back_counts_in_no_way(login, council):
    ConsultationResponse.objects.update(status="held")
    page = login("lead").get(screen(council))
    assert page.context["ways"] == []
    assert "No response counts yet" in page.text


def test_answers_are_cut_by_how_people_arrived(login, council):
    link = poster(council)
    often = f"q-{key_of('How often do you go?')}"
    for said in ("Daily", "Daily", "Never"):
        came_by(council.own, f"via={link.code}", **{often: option_key(said)})
    cuts = login("analyst").get(screen(council)).context["cuts"]
    cut = next(cut for cut in cuts if cut.question == "How often do you go?")
    assert cut.routes == [("Open link", "1 answer"), ("Partner", "3 answers")]
    assert dict(cut.rows) == {
        "Daily": ["0% (0)", "67% (2)"],
        "Weekly": ["100% (1)", "0% (0)"],
        "Never": ["0% (0)", "33% (1)"],
    }


def test_an_editor_makes_a_link_and_gets_its_address_and_a_text_for_a_poster(login, council):
    client = login("lead")
    typed = {"name": "Library poster", "kind": "partner"}
    page = client.post(screen(council, "wagtail_engagement_route_name"), typed, follow=True)
    link = NamedLink.objects.get()
    address = f"https://engage.example.gov.uk{council.own.url}?via={link.code}"
    assert page.text.count(address) == 2
    assert "Have your say by" in page.text
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.link_named")
    assert entry.data["name"] == "Library poster"


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"name": "", "kind": "partner"}, "This field is required"),
        ({"name": "Library poster", "kind": "partner"}, "There is a link of this name already"),
        ({"name": "Another", "kind": "staff"}, "not one of the available choices"),
    ],
)
def test_what_is_wrong_with_a_link_is_said_beside_the_form(login, council, typed, wrong):
    poster(council)
    page = login("lead").post(screen(council, "wagtail_engagement_route_name"), typed)
    assert wrong in page.text
    assert NamedLink.objects.count() == 1


def test_a_link_that_was_used_stays_and_an_unused_one_can_go(login, council):
    used, unused = poster(council), poster(council, "Mistyped")
    came_by(council.own, f"via={used.code}")
    client = login("lead")
    assert client.get(screen(council)).text.count("/remove/") == 1
    for link in (used, unused):
        client.post(screen(council, "wagtail_engagement_route_remove", link.pk))
    assert list(NamedLink.objects.all()) == [used]


def test_two_codes_that_meet_by_chance_are_made_anew(council, monkeypatch):
    there = poster(council)
    codes = iter([there.code, "ABCDE1"])
    field = NamedLink._meta.get_field("code")
    monkeypatch.setattr(field, "_get_default", lambda: next(codes))
    consultation = council.own.consultation
    link = passing.make(
        consultation=consultation,
        name="Forum",
        kind="community",
        actor=None,
        at=there.created_at + DAY,
    )
    assert link.code == "ABCDE1"


@pytest.mark.parametrize("quiet", [{"is_sensitive": True}, {"ask_email": "not_asked"}])
def test_no_link_can_be_made_for_what_keeps_no_routes(login, council, quiet):
    council.own = add_consultation(parent=council.section, slug="quiet", **quiet)
    page = login("all_in_one").get(screen(council)).text
    assert "Nothing is kept of how people arrive" in page
    assert "Make a link" not in page


def test_the_list_and_the_files_can_be_cut_to_one_link(login, council):
    link = poster(council)
    came_by(council.own, f"via={link.code}")
    client = login("lead")
    listed = reverse("wagtail_engagement_responses:of_consultation", args=[link.consultation_id])
    page = client.get(f"{listed}?route=partner&route_key={link.code}")
    (row,) = page.context["object_list"]
    assert row.route_key == link.code
    download = f"{reverse('wagtail_engagement_responses:export', args=[link.consultation_id])}?"
    assert f"{download}route=partner&amp;route_key={link.code}" in page.text
    lines = client.get(f"{download}route=partner").getvalue().decode("utf-8-sig").splitlines()
    heading, only = list(csv.DictReader(lines))[0].keys(), list(csv.DictReader(lines))
    assert "Link" in heading
    assert [(line["Arrived by"], line["Link"]) for line in only] == [("Partner", "Library poster")]


@pytest.mark.parametrize("asked", ["route=nothing", "route_key=%00", f"route_key={'x' * 99}"])
def test_what_is_no_route_cuts_nothing(login, council, asked):
    answer(council.own)
    address = reverse("wagtail_engagement_responses:export", args=[council.own.consultation.pk])
    lines = login("lead").get(f"{address}?{asked}").getvalue().decode().splitlines()
    assert len(list(csv.reader(lines))) == 3


def test_the_heading_names_the_consultation(login, council):
    shown = login("superuser").get(screen(council)).text
    assert f"How people arrived: {council.own.title}" in shown
