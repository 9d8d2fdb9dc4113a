"""What looks like a machine is held, never lost, and is let go by itself."""

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests.site import DAY, EVERY_ANSWER, add_consultation, form_data
from wagtail_engagement.consultations import responses
from wagtail_engagement.consultations.holding import network_of
from wagtail_engagement.models import Claim, ConsultationResponse

pytestmark = pytest.mark.django_db


def sent(client, **typed):
    page = add_consultation()
    return client.post(page.url, form_data(client, page, **EVERY_ANSWER, **typed))


def test_a_filled_trap_holds_and_looks_like_any_other(client):
    response = sent(client, homepage="http://spam.example")
    assert response.url.endswith("thank-you/")
    held = ConsultationResponse.objects.get()
    assert (held.status, held.held_because) == ("held", "hidden field filled in")
    assert not ConsultationResponse.objects.counted().exists()


def test_an_answer_within_seconds_is_held(client, settings):
    settings.WAGTAIL_ENGAGEMENT_QUICKEST_ANSWER = 3
    sent(client)
    assert ConsultationResponse.objects.get().held_because == "sent within seconds"


@pytest.mark.parametrize("stamp", ["", "forged", "form:1:x"])
def test_a_forged_stamp_is_held(client, stamp):
    sent(client, started=stamp)
    assert ConsultationResponse.objects.get().held_because == "form without its stamp"


def test_too_many_from_one_network_are_held(client, settings):
    settings.WAGTAIL_ENGAGEMENT_NETWORK_LIMIT = 1
    page = add_consultation()
    for agent in ("one", "two"):
        data = form_data(client, page, **EVERY_ANSWER)
        client.post(page.url, data, headers={"user-agent": agent})
    statuses = ConsultationResponse.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["counted", "held"]


def test_too_many_with_one_address_are_held(client, settings):
    settings.WAGTAIL_ENGAGEMENT_ADDRESS_LIMIT = 1
    page = add_consultation()
    for spelling in ("ann@example.com", "ANN@example.com"):
        client.post(page.url, form_data(client, page, email=spelling))
    statuses = ConsultationResponse.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["counted", "held"]


def test_limits_that_cannot_be_read_hold(client, settings):
    settings.CACHES = {"default": {"BACKEND": "tests.stubborn_cache.BrokenCache"}}
    sent(client)
    assert ConsultationResponse.objects.get().held_because == "limits could not be read"


def test_a_held_claim_waits_and_goes_when_its_response_is_released(client):
    sent(client, homepage="x", email="ann@example.com", may_invite="on")
    assert Claim.objects.get().held_until > timezone.now() + 6 * DAY
    held = ConsultationResponse.objects.get()
    responses.release(response=held, at=timezone.now())
    assert Claim.objects.get().held_until is None
    assert ConsultationResponse.objects.counted().get() == held


def test_rejecting_keeps_the_answers_out_of_every_count_and_forgets_the_claim(client):
    sent(client, homepage="x", email="ann@example.com", may_invite="on")
    responses.reject(response=ConsultationResponse.objects.get(), at=timezone.now())
    assert ConsultationResponse.objects.get().status == "rejected"
    assert not Claim.objects.exists()


def test_what_nobody_looks_at_counts_after_a_week(client):
    sent(client, homepage="x")
    ConsultationResponse.objects.update(held_until=timezone.now())
    call_command("engagement_work", once=True)
    assert ConsultationResponse.objects.get().status == "counted"


def test_a_decision_is_taken_once(client):
    sent(client, homepage="x")
    held = ConsultationResponse.objects.get()
    responses.release(response=held, at=timezone.now())
    with pytest.raises(responses.NotHeld):
        responses.reject(response=held, at=timezone.now())


@pytest.mark.parametrize(
    ("proxies", "forwarded", "network"),
    [
        (0, "203.0.113.9", "198.51.100.0/24"),
        (1, "10.0.0.1, 203.0.113.9", "203.0.113.0/24"),
        (2, "203.0.113.9, 192.0.2.7", "203.0.113.0/24"),
        (1, "nonsense", ""),
        (1, "2001:db8:1:2:3::9", "2001:db8:1::/56"),
        (1, "::ffff:203.0.113.9", "203.0.113.0/24"),
    ],
)
def test_only_the_sites_own_proxies_are_believed(settings, proxies, forwarded, network):
    settings.WAGTAIL_ENGAGEMENT_TRUSTED_PROXIES = proxies
    meta = {"REMOTE_ADDR": "198.51.100.4", "HTTP_X_FORWARDED_FOR": forwarded}
    assert network_of(meta) == network
