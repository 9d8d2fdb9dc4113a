"""The sign-up page, and the list of consultations."""

import pytest
from django.utils import timezone

from tests.site import DAY, add_consultation, add_index, add_sign_up, form_data
from wagtail_engagement.models import Claim, Interest

pytestmark = pytest.mark.django_db


def test_signing_up_makes_one_claim_with_topics(client):
    parks = Interest.objects.create(name="Parks")
    page = add_sign_up()
    data = form_data(client, page, email="ann@example.com", may_invite="on", topics=[parks.pk])
    assert client.post(page.url, data).url == f"{page.url}thank-you/"
    claim = Claim.objects.get()
    assert (claim.interest_ids, claim.consultation, claim.result_until) == ([parks.pk], None, None)
    assert client.get(f"{page.url}thank-you/").status_code == 200


def test_signing_up_without_the_tick_asks_for_it(client):
    page = add_sign_up()
    shown = client.post(page.url, form_data(client, page, email="ann@example.com"))
    assert "Tick the box if you want us to write to you" in shown.content.decode()
    assert not Claim.objects.exists()


def test_a_machines_sign_up_is_held(client):
    page = add_sign_up()
    data = form_data(client, page, email="a@example.com", may_invite="on", homepage="x")
    client.post(page.url, data)
    assert Claim.objects.get().held_until > timezone.now()


def test_the_list_groups_by_state(client):
    index, now = add_index(), timezone.now()
    add_consultation(parent=index, title="Now", slug="now")
    add_consultation(parent=index, title="Soon", slug="soon", opens_at=now + DAY)
    add_consultation(
        parent=index, title="Over", slug="over", opens_at=now - 9 * DAY, closes_at=now - DAY
    )
    groups = client.get(index.url).context["groups"]
    found = {group["key"]: [page.title for page in group["items"]] for group in groups}
    assert found == {"open": ["Now"], "upcoming": ["Soon"], "closed": ["Over"]}


def test_the_list_filters_by_interest_and_state(client):
    parks, index = Interest.objects.create(name="Parks"), add_index()
    add_consultation(parent=index, title="Trees", slug="trees", interests=[parks])
    add_consultation(parent=index, title="Buses", slug="buses")
    shown = client.get(index.url, {"interest": "parks", "state": "open"}).content.decode()
    assert "Trees" in shown
    assert "Buses" not in shown
    assert client.get(index.url, {"interest": "\x00", "page": "-9"}).status_code == 200


def test_an_empty_list_offers_sign_up(client):
    index, sign_up = add_index(), add_sign_up()
    shown = client.get(index.url).content.decode()
    assert "There is nothing to answer at the moment" in shown
    assert f'href="{sign_up.url}"' in shown


def test_unpublished_and_private_consultations_are_not_listed(client):
    index = add_index()
    page = add_consultation(parent=index, title="Hidden", slug="hidden")
    page.unpublish()
    assert "Hidden" not in client.get(index.url).content.decode()
