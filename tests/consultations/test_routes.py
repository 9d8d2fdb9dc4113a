"""How a response arrived, as its form's address tells it."""

import pytest

from tests import factories
from tests.site import EVERY_ANSWER, add_consultation, form_data
from wagtail_engagement.consultations.doors import NamedLink
from wagtail_engagement.models import ConsultationResponse

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def a_patient_site(settings):
    settings.WAGTAIL_ENGAGEMENT_QUICKEST_ANSWER = 0


@pytest.fixture
def page():
    return add_consultation()


def poster(page, **values):
    values = {"name": "Library poster", "code": "7K3M90", **values}
    return NamedLink.objects.create(consultation=page.consultation, **values)


def answer(client, page, query):
    """Open the page with a query and send its form to where the page says."""
    shown = client.get(f"{page.url}{query}")
    data = form_data(client, page, **EVERY_ANSWER)
    client.post(shown.context["form_action"], data)
    row = ConsultationResponse.objects.latest("pk")
    return row.route, row.route_key


def test_a_named_link_is_the_route_of_who_came_by_it(client, page):
    poster(page)
    assert answer(client, page, "?via=7K3M90") == ("partner", "7K3M90")


def test_a_link_of_a_community_counts_as_one(client, page):
    poster(page, kind="community")
    assert answer(client, page, "?via=7K3M90") == ("community", "7K3M90")


@pytest.mark.parametrize("typed", ["7k3m90", "7K3M9O", "%207k3m9o%20"])
def test_a_code_read_off_a_poster_is_understood_however_it_is_typed(client, page, typed):
    poster(page)
    assert answer(client, page, f"?via={typed}") == ("partner", "7K3M90")


@pytest.mark.parametrize("typed", ["7K3M91", "", "7K3M9", "7K3M900", "%00", "🙂" * 6, "7K3M9U"])
def test_an_unknown_code_counts_as_the_open_link(client, page, typed):
    poster(page)
    assert answer(client, page, f"?via={typed}") == ("open", "")


def test_a_code_of_another_consultation_counts_as_the_open_link(client, page):
    poster(add_consultation(slug="another"))
    invitation = factories.InvitationFactory()
    assert answer(client, page, "?via=7K3M90") == ("open", "")
    assert answer(client, page, f"?i={invitation.code}") == ("open", "")


@pytest.mark.parametrize("quiet", [{"is_sensitive": True}, {"ask_email": "not_asked"}])
def test_nothing_is_kept_of_how_people_come_to_what_is_anonymous_or_sensitive(client, quiet):
    page = add_consultation(**quiet)
    poster(page)
    invitation = page.consultation.invitations.create(code="7K3M9QRT")
    for query in ("?via=7K3M90", f"?i={invitation.code}"):
        assert answer(client, page, query) == ("open", "")
