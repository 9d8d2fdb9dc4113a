"""Every public address: opening it changes nothing, and nothing typed breaks it (E03, S07, S20)."""

import json
from types import SimpleNamespace
from urllib.parse import quote, urlencode

import pytest
from django.apps import apps
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.site import add_consultation, add_index, add_sign_up, form_data
from wagtail_engagement import addresses, urls
from wagtail_engagement.models import Claim, Participant, RegisterMail
from wagtail_engagement.participants import links

pytestmark = pytest.mark.django_db
LINKS = [p.name for p in urls.urlpatterns if "token" in str(p.pattern)]
MACHINES = ["notify_callback"]  # nobody opens these; they answer to a post with a token alone
CLEAN = [p.name for p in urls.urlpatterns if "token" not in str(p.pattern)]
CLEAN = [name for name in CLEAN if name not in MACHINES]
PAGES = [model.__name__ for model in apps.get_app_config("wagtail_engagement_pages").get_models()]
NASTY = [
    "\x00",
    "a\x00b@example.com",
    "\ud800",
    "9" * 400,
    "-1",
    "1e999",
    "NaN",
    "%s%n{0.__class__}{{7*7}}${7*7}",
    "'\"><script>alert(1)</script>",
    "a@b.c\r\nBcc: x@example.com",
    "\u202e\u200b\ufeff",
    "x" * 70_000,
]


@pytest.fixture
def town(settings):
    """One page of each type, and one mailed link of each purpose."""
    settings.WAGTAIL_ENGAGEMENT_QUICKEST_ANSWER = 0
    cache.clear()
    pages = [
        add_index(slug="index"),
        add_consultation(slug="asked", ask_name="optional", offer_invite=True),
        add_sign_up(slug="joined"),
    ]
    now, email = timezone.now(), "ann@example.com"
    person = Participant.objects.create(email=email, address_key=addresses.key(email))
    mark, key_id = addresses.fingerprint(email)
    mail = RegisterMail.objects.create(kind="confirm", fingerprint=mark, key_id=key_id)
    ends = now + timezone.timedelta(days=1)
    Claim.objects.create(
        address_key=email, email=email, purposes={"invite": 1}, invite_until=ends, mail=mail
    )
    tokens = {}
    for purpose in (name.removesuffix("_link") for name in LINKS):
        owner = None if purpose == "confirm" else person.pk
        facts = {"purpose": purpose, "uuid": mail.uuid}
        links.issue([links.row(**facts, at=now, participant_id=owner)])
        tokens[purpose] = links.token(**facts)
    by_type = {type(page).__name__: page.url for page in pages}
    return SimpleNamespace(pages=by_type, tokens=tokens)


def addresses_of(town):
    """Every public address: mailed links, the clean pages behind them, and pages."""
    mailed = {name: town.tokens[name.removesuffix("_link")] for name in LINKS}
    found = [reverse(f"wagtail_engagement:{name}", args=[mailed[name]]) for name in LINKS]
    found += [reverse(f"wagtail_engagement:{name}") for name in (*CLEAN, *MACHINES)]
    for url in (town.pages[name] for name in PAGES):
        found += [url, f"{url}thank-you/", f"{url}?state=open&interest=1&p=2"]
    return found


def snapshot():
    """Every row of every table, sessions apart, which belong to the visitor."""
    tables = [model for model in apps.get_models() if model._meta.label != "sessions.Session"]
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values())
        for model in tables
        if model._meta.managed and not model._meta.proxy
    }


def holding_every_cookie(town):
    client = Client()
    for name in LINKS:
        args = [town.tokens[name.removesuffix("_link")]]
        assert client.get(reverse(f"wagtail_engagement:{name}", args=args)).status_code == 302
    return client


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_opening_an_address_changes_nothing(method, town):
    client = holding_every_cookie(town)
    before = snapshot()
    for url in addresses_of(town):
        answer = getattr(client, method)(url)
        assert answer.status_code < 500, url
        assert snapshot() == before, url


def test_the_pages_behind_the_links_open_with_their_cookies(town):
    client = holding_every_cookie(town)
    for name in CLEAN:
        answer = client.get(reverse(f"wagtail_engagement:{name}"))
        assert answer.status_code == 200
        assert "Open the link in your email again" not in answer.content.decode()


def test_no_public_page_may_be_cached_logged_in_for_or_left_unchecked():
    views = {pattern.name: pattern.callback for pattern in urls.urlpatterns}
    assert [name for name, view in views.items() if getattr(view, "csrf_exempt", False)] == [
        "leave_link",
        "notify_callback",
    ]
    assert [name for name, view in views.items() if getattr(view, "login_required", True)] == []


def send(client, url, data):
    body = urlencode(data, doseq=True, errors="surrogatepass")
    answer = client.post(url, body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code < 500, url
    return answer


def post_everywhere(client, town, texts):
    """Put each text into every field of every form, known and unknown ones."""
    for url in (*town.pages.values(), *(reverse(f"wagtail_engagement:{n}") for n in CLEAN)):
        shown = client.get(url)
        form = (shown.context or {}).get("form") if shown.context else None
        names = [field.html_name for field in form] if form else []
        for text in texts:
            send(client, url, dict.fromkeys([*names, "handle", "undo", "leave", "q"], text))


def open_everywhere(client, town, texts):
    for text in texts:
        told = quote(text.encode(errors="surrogatepass")[:2000])
        for name in LINKS:
            stem = reverse(f"wagtail_engagement:{name}", args=["x"]).removesuffix("x/")
            assert client.get(f"{stem}{told}/").status_code < 500
        for url in town.pages.values():
            query = f"?state={told}&interest={told}&p={told}&route={told}&i={told}&via={told}"
            assert client.get(f"{url}{query}").status_code < 500
            assert client.get(f"{url}{query}&a={told}").status_code < 500


def test_nothing_nasty_breaks_a_form(town):
    post_everywhere(holding_every_cookie(town), town, NASTY)


def test_nothing_nasty_breaks_an_address(town):
    open_everywhere(Client(), town, NASTY)


@pytest.mark.parametrize("name", ["ConsultationPage", "RegistrationPage"])
def test_a_good_form_is_taken_whatever_stands_behind_its_address(town, name):
    url, asked = town.pages[name], ("i", "via", "a", "route", "state", "p", "next", "")
    texts = [*NASTY, "A\x00B\x00C\x00D\x00", "\u202e" * 8, "é" * 8]  # as long as a code
    for number, text in enumerate(texts):
        told = quote(text.encode(errors="surrogatepass")[:2000])
        client, typed = Client(), {"email": f"a{number}@example.com", "may_invite": "on"}
        data = form_data(client, SimpleNamespace(url=url), **typed)
        answer = send(client, f"{url}?{'&'.join(f'{key}={told}' for key in asked)}", data)
        assert answer.headers.get("Location") == f"{url}thank-you/", told
    assert Claim.objects.filter(mail=None).count() == len(texts)


def test_a_copied_or_unchecked_form_breaks_nothing_either(town):
    """What a failed CSRF check answers is a page of ours, with all that was typed."""
    strict = Client(enforce_csrf_checks=True)
    for url in (town.pages["ConsultationPage"], town.pages["RegistrationPage"]):
        for text in NASTY:
            told = quote(text.encode(errors="surrogatepass")[:2000])
            send(strict, f"{url}?i={told}", {"email": text, "may_invite": "on"})


def test_nothing_nasty_in_a_cookie_breaks_a_page(town):
    for text in ("a" * 22, '"', "x" * 3000, "é\x7f", "=;,"):
        client = Client()
        for name in [
            *(f"engagement_{n}" for n in CLEAN),
            "engagement_response",
            "engagement_answer",
            "csrftoken",
        ]:
            client.cookies[name] = text
        for url in addresses_of(town):
            assert client.get(url).status_code < 500


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (b"{}", "application/json"),
        (b"a=1&" * 2000, "application/x-www-form-urlencoded"),
        (b"a=%ff%fe%00&a[]=1", "application/x-www-form-urlencoded; charset=utf-7"),
    ],
)
def test_a_body_that_is_none_is_refused_without_an_error(body, kind, town):
    client = holding_every_cookie(town)
    for url in addresses_of(town):
        answer = client.generic("POST", url, body, content_type=kind)
        assert answer.status_code < 500, url


@pytest.mark.outside
@pytest.mark.parametrize("try_everywhere", [open_everywhere, post_everywhere])
def test_the_big_list_of_naughty_strings_breaks_nothing(try_everywhere, town, outside_data):
    strings = json.loads((outside_data / "hostile" / "blns_open.json").read_text())
    try_everywhere(holding_every_cookie(town), town, strings)


@pytest.mark.outside
def test_what_is_typed_stays_text(town, outside_data):
    payloads = json.loads((outside_data / "hostile" / "xss_payloads.json").read_text())
    url = town.pages["ConsultationPage"]
    page = SimpleNamespace(url=url)
    for payload in payloads[:40]:
        data = form_data(Client(), page, name=payload, email=payload)
        shown = send(Client(), url, data).content.decode()
        assert "<script>alert" not in shown
        assert payload not in shown or "<" not in payload
