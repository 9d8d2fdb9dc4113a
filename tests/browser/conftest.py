"""One browser and one server for all tests of a worker; every test gets a context of its own."""

import os
from copy import deepcopy
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as site_settings
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from playwright.sync_api import sync_playwright
from pytest_django.live_server_helper import LiveServer
from wagtail.models import Site

from tests.browser.policy import SERVING
from tests.browser.town import Town
from tests.browser.watch import WIDTHS, Watch

HERE = Path(__file__).resolve().parent
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
POLICY = "tests.browser.policy.StrictPolicy"


@pytest.fixture(scope="session")
def live_server():
    """The tests' site under a strict policy. Middleware is read once, when the server starts."""
    with override_settings(MIDDLEWARE=[POLICY, *site_settings.MIDDLEWARE]):
        server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser(chromium, django_db_setup):
    """A started Chromium, with Django made to work beside Playwright's event loop.

    Because of the loop Django refuses queries unless told otherwise, and gives this thread another
    connection, which has to learn what `serialized_rollback` puts back into the database.
    """
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    first_rows = connection._test_serialized_contents
    with sync_playwright() as playwright:
        connection._test_serialized_contents = first_rows
        started = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield started
        started.close()
        connection.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def open_browser(browser, live_server, transactional_db):
    """Return a function that opens a browser of its own; what went wrong in any fails the test."""
    opened = []

    def open_one(*, width=WIDTHS["wide"], **options):
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": width, "height": 900}, **options
        )
        context.set_default_timeout(15_000)
        watch = Watch(context, live_server.url)
        page = context.new_page()
        page.watch = watch
        opened.append((context, page.watch))
        return page

    yield open_one
    for context, _watch in opened:
        context.close()
    SERVING.wait_for_none()
    assert [fault for _context, watch in opened for fault in watch.faults] == []


@pytest.fixture
def page(open_browser):
    return open_browser()


@pytest.fixture
def work(mailoutbox):
    """Return a function that runs the worker once and returns the mails that it sent."""

    def work_once():
        before = len(mailoutbox)
        call_command("engagement_work", once=True)
        return mailoutbox[before:]

    return work_once


@pytest.fixture
def town(settings, live_server, transactional_db):
    """A site at the address of the server, whose links in mails lead back to it."""
    host, port = live_server.url.removeprefix("http://").split(":")
    settings.WAGTAIL_ENGAGEMENT_BASE_URL = settings.WAGTAILADMIN_BASE_URL = live_server.url
    settings.WAGTAIL_ENGAGEMENT_QUICKEST_ANSWER = 0  # a browser under test is a quick reader
    settings.WAGTAIL_GRAVATAR_PROVIDER_URL = None  # no request to another host
    settings.WAGTAIL_ENABLE_UPDATE_CHECK = False
    cache.clear()
    Site.objects.update(hostname=host, port=port, site_name="Westmere Council")
    Site.clear_site_root_paths_cache()
    return Town()


@pytest.fixture
def host(settings):
    """Return a function that puts the public pages into the frame of another kind of site."""
    settings.TEMPLATES = deepcopy(site_settings.TEMPLATES)
    settings.TEMPLATES[0]["DIRS"].append(HERE / "templates")
    settings.STATICFILES_DIRS = [HERE / "static"]

    def choose(name):
        settings.WAGTAIL_ENGAGEMENT_BASE_TEMPLATE = f"hosts/{name}.html"

    return choose


@pytest.fixture
def staff(open_browser, town, live_server, django_user_model):
    """Return a function that opens a browser in which somebody of these groups has logged in."""
    call_command("engagement_roles", stdout=StringIO())

    def log_in(*groups, name="Erin"):
        user = django_user_model.objects.create(
            username=name, first_name=name, email=f"{name}@westmere.example", is_staff=True
        )
        user.groups.set(Group.objects.filter(name__in=groups))
        client = Client()
        client.force_login(user)
        page = open_browser()
        session = client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        return page

    return log_in
