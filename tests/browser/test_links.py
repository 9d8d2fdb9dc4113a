"""Links in mails: nothing happens by itself, and nobody else learns of them (E04, S02)."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.states import STATES, press
from tests.browser.watch import barriers, shot
from tests.test_public_sweep import snapshot

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
BEHIND_LINKS = ["confirm", "choices", "fresh", "leave", "renew", "move"]


@pytest.mark.parametrize("name", BEHIND_LINKS)
def test_a_page_left_open_for_an_hour_asks_for_nothing_and_changes_nothing(name, town, page):
    page.clock.install()
    STATES[name](town, page)
    before, asked = snapshot(), len(page.watch.requests)
    page.clock.run_for("01:00:00")
    page.mouse.wheel(0, 400)
    page.mouse.move(50, 50)
    assert snapshot() == before
    assert page.watch.requests[asked:] == []
    assert not [line for line in page.watch.requests if not line.startswith("GET")]


@pytest.mark.parametrize("name", BEHIND_LINKS)
def test_a_link_is_gone_from_the_address_before_the_page_is_shown(name, town, page):
    STATES[name](town, page)
    first, clean = page.watch.requests[:2]
    assert re.match("GET /engagement/[cpflrm]/", first)
    assert clean == f"GET {urlsplit(page.url).path}" and len(clean) < 35
    page.go_back()
    assert page.url == "about:blank"


@pytest.mark.parametrize("name", BEHIND_LINKS)
def test_a_host_with_analytics_shows_them_no_page_behind_a_link(name, town, page, host):
    host("analytics")
    STATES[name](town, page)
    assert page.locator("script").count() == 0
    assert {line.split(" ")[1].split("/")[1] for line in page.watch.requests} == {
        "engagement",
        "static",
    }


def test_a_form_of_one_mail_does_nothing_to_another_opened_later(town, open_browser):
    first = open_browser()
    STATES["leave"](town, first)
    second = first.context.new_page()
    STATES["leave"](town, second)
    before = snapshot()
    press(first, "Leave")
    expect(first.get_by_role("heading", level=1)).to_have_text("Open the link in your email again")
    assert snapshot() == before


@pytest.mark.parametrize("script", [True, False])
def test_the_pages_behind_a_fresh_link_lead_to_each_other_by_keyboard(script, town, open_browser):
    page = open_browser(width=320, java_script_enabled=script)
    STATES["fresh_shown"](town, page)
    ways = ["Your name and address", "Download everything", "Erase me"]
    for name in [*ways, "What you took part in, your topics"]:
        button = page.get_by_role("navigation", name="Your pages").get_by_role("button", name=name)
        while not button.evaluate("each => each === document.activeElement"):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("[aria-current=page]")).to_have_text(name)


@pytest.mark.parametrize("name", ["done", "sign_up_done", "erased"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_mail_reads_well_without_barriers(
    name, scheme, town, page, open_browser, mailoutbox, work
):
    STATES[name](town, page)
    (message,) = mailoutbox or work()
    html = message.alternatives[0][0]
    reader = open_browser(color_scheme=scheme, width=320)
    reader.set_content(html)
    shot(reader, f"mail-{name}-{scheme}")
    assert barriers(reader) == []
