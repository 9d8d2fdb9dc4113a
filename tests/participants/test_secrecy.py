"""What an outsider can learn: nothing from an address, nothing from a log."""

import datetime
import logging
import re

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import factories
from tests.participants.post import LINK, link_in, open_link, press, send
from tests.site import add_consultation, add_sign_up, form_data
from wagtail_engagement import urls
from wagtail_engagement.consent import barring
from wagtail_engagement.models import RegisterMail
from wagtail_engagement.participants import links, registry

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def unknown():
    pass


def known():
    factories.ParticipantFactory(email="ada@example.com", agreed=True)


def stopped():
    barring.suppress(address="ada@example.com", reason="complained", at=timezone.now())


def undeliverable():
    known()
    barring.suppress(address="ada@example.com", reason="bounced", at=timezone.now())


def left():
    factories.ParticipantFactory(email="ada@example.com", left=True)


BEFORE = [unknown, known, left, stopped, undeliverable]


@pytest.mark.parametrize("before", BEFORE)
def test_a_form_costs_one_statement_and_one_mail_whoever_the_address_belongs_to(before):
    before()
    facts = dict.fromkeys(registry.ClaimFacts.__annotations__)
    facts |= {"name": "", "interest_ids": [], "inferred_ids": [], "page_url": "", "source": ""}
    facts |= {"purposes": {"invite": None}, "invite_until": timezone.now() + DAY}
    with CaptureQueriesContext(connection) as statements:
        registry.make_claim(email="ada@example.com", at=timezone.now(), **facts)
    (message,) = send()
    assert len(statements) == 1
    assert message.to == ["ada@example.com"] and "Confirm" in message.subject


def told(text, email):
    """A text without what differs in any two: the address, tokens, references and times."""
    text = LINK.sub("LINK", text.replace(email, "ADDRESS"))
    return re.sub(r'name="\w+" value="[^"]*"|\b[0-9A-HJKMNP-TV-Z]{8}\b|\d+', "#", text)


def page_told(response, email):
    """All that a browser gets: status, headers, which cookies with which rights, and the page."""
    cookies = {
        name: {**cookie, "expires": "", "value": ""} for name, cookie in response.cookies.items()
    }
    headers = {name: told(value, email) for name, value in response.headers.items()}
    return response.status_code, headers, cookies, told(response.content.decode(), email)


def outcome_of_sending(page, email):
    """What comes of a form that a stranger sends with an address: seen, counted and mailed."""
    client = Client()
    data = form_data(client, page, email=email, may_invite="on")
    with CaptureQueriesContext(connection) as statements:
        posted = client.post(page.url, data)
    seen = [page_told(posted, email), page_told(client.get(posted.url), email)]
    before = set(RegisterMail.objects.values_list("pk", flat=True))
    mails = [
        (told(m.subject, email), told(m.body, email), sorted(m.message().keys()), len(m.to))
        for m in send()
    ]
    ledger = RegisterMail.objects.exclude(pk__in=before).order_by("pk")
    rows = list(ledger.values("kind", "state", "attempt", "participant"))
    return {"seen": seen, "statements": len(statements), "mails": mails, "ledger": rows}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("add_page", [add_consultation, add_sign_up])
def test_a_form_answers_and_mails_the_same_whoever_the_address_belongs_to(
    before, add_page, settings
):
    settings.WAGTAIL_ENGAGEMENT_QUICKEST_ANSWER = 0
    cache.clear()
    page = add_page(slug="form")
    outcome_of_sending(page, "first@example.com")  # fills the caches
    before()
    nobodys = outcome_of_sending(page, "nobody@example.com")
    assert nobodys["seen"][0][0] == 302 and len(nobodys["mails"]) == len(nobodys["ledger"]) == 1
    assert outcome_of_sending(page, "ada@example.com") == nobodys


@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_no_log_holds_an_address_or_a_token(client, caplog, method):
    caplog.set_level(logging.DEBUG)
    factories.ClaimFactory(email="ada@example.com")
    path = link_in(send()[0])
    press(client, open_link(client, path), "confirm")
    for letter in "cpfli":
        getattr(client, method)(path.replace("/c/", f"/{letter}/"))
    lines = [r.getMessage() for r in caplog.records if not r.name.startswith("django.db")]
    assert not any("ada@" in line or path.split("/")[3] in line for line in lines)


def test_a_token_has_128_bits_and_only_its_purpose():
    message = factories.RegisterMailFactory().uuid
    made = {links.token(purpose=purpose, uuid=message) for purpose in factories.models.Link.Purpose}
    assert len(made) == len(factories.models.Link.Purpose) and {len(token) for token in made} == {
        22
    }


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_changes_nothing(client, person, link_to, method):
    for purpose in ("confirm", "choices", "fresh", "leave"):
        path = link_to(purpose)
        client.get(path)
    with CaptureQueriesContext(connection) as statements:
        for pattern in urls.urlpatterns:
            tail = str(pattern.pattern).replace("<str:token>", path.split("/")[3])
            getattr(client, method)(f"/engagement/{tail}")
    writes = [q["sql"] for q in statements if q["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE")]
    assert writes == [] and mail.outbox == []


@pytest.mark.parametrize("cookie", ["", "x", "a" * 22, "\x00", "é", "a" * 5000])
@pytest.mark.parametrize("page", ["confirm", "choices", "taken-part", "leave"])
def test_a_cookie_of_nonsense_gets_a_plain_page(client, page, cookie):
    for purpose in ("confirm", "choices", "fresh", "leave"):
        client.cookies[f"engagement_{purpose}"] = cookie
    for response in (
        client.get(f"/engagement/{page}/"),
        client.post(f"/engagement/{page}/", {"handle": "\x00", "undo": "1"}),
    ):
        assert "Open the link in your email again" in response.content.decode()


def test_only_the_leave_button_and_a_providers_receipt_go_without_a_csrf_check():
    exempt = [p.name for p in urls.urlpatterns if getattr(p.callback, "csrf_exempt", False)]
    assert exempt == ["leave_link", "notify_callback"]


def test_no_page_of_ours_waits_for_a_log_in():
    assert not any(getattr(p.callback, "login_required", True) for p in urls.urlpatterns)
