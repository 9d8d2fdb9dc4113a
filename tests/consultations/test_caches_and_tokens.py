"""Forms work from a cached page, without cookies and with an old token (S05)."""

import pytest
from django.test import Client
from django.utils import timezone
from wagtail.models import PageViewRestriction

from tests.site import DAY, EVERY_ANSWER, add_consultation, add_sign_up, form_data
from wagtail_engagement.models import Claim, ConsultationResponse

pytestmark = pytest.mark.django_db


@pytest.fixture
def strict():
    return Client(enforce_csrf_checks=True)


def with_token(response, data):
    return {**data, "csrfmiddlewaretoken": str(response.context["csrf_token"])}


@pytest.mark.parametrize("add_page", [add_consultation, add_sign_up])
def test_no_cache_may_keep_a_form(client, add_page):
    header = client.get(add_page().url)["Cache-Control"]
    assert "no-store" in header
    assert "private" in header


def test_a_browser_with_its_cookie_sends_at_once(strict):
    page = add_consultation()
    shown = strict.get(page.url)
    strict.post(page.url, with_token(shown, form_data(strict, page, **EVERY_ANSWER)))
    assert ConsultationResponse.objects.count() == 1


@pytest.mark.parametrize("token", ["", "forged", "a" * 64])
def test_without_a_token_everything_typed_is_kept_and_the_next_press_sends(strict, token):
    page = add_consultation()
    data = form_data(Client(), page, **EVERY_ANSWER, csrfmiddlewaretoken=token)
    kept = strict.post(page.url, data)
    assert kept.status_code == 200
    shown = kept.content.decode()
    assert "Your answers are still here" in shown
    assert "More benches." in shown
    assert "There is a problem" not in shown
    strict.post(page.url, with_token(kept, data))
    assert ConsultationResponse.objects.count() == 1


def test_a_sign_up_without_a_token_is_kept_too(strict):
    page = add_sign_up()
    data = form_data(Client(), page, email="ann@example.com", may_invite="on")
    kept = strict.post(page.url, data)
    assert "ann@example.com" in kept.content.decode()
    strict.post(page.url, with_token(kept, data))
    assert Claim.objects.get().email == "ann@example.com"


def test_a_page_from_a_cache_that_ignores_us_still_works(settings, strict):
    settings.MIDDLEWARE = ["tests.stubborn_cache.StubbornCache", *settings.MIDDLEWARE]
    page = add_consultation()
    data = form_data(Client(), page, **EVERY_ANSWER)
    kept = strict.post(page.url, data)
    strict.post(page.url, with_token(kept, data))
    assert ConsultationResponse.objects.count() == 1


def test_other_pages_keep_djangos_answer(strict):
    assert strict.post("/admin/login/", {}).status_code == 403
    assert strict.post("/nothing/here/", {}).status_code == 403


def test_a_page_behind_a_password_stays_there_without_a_token(strict):
    page = add_consultation()
    PageViewRestriction.objects.create(page=page, restriction_type="password", password="x")
    refused = strict.post(page.url, EVERY_ANSWER)
    assert "What should change?" not in refused.content.decode()


def test_a_late_form_without_a_token_is_handed_back_too(strict):
    page = add_consultation(closes_at=timezone.now() - DAY / 24)
    kept = strict.post(page.url, EVERY_ANSWER).content.decode()
    assert "we have not stored your answers" in kept
    assert "More benches." in kept
