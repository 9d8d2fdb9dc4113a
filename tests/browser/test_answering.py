"""A resident answers, confirms, chooses, leaves and comes back: with less and less to help."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.states import SEND, STATES, fill_in, press, tick_everything
from tests.browser.watch import shot
from wagtail_engagement.models import ConsultationResponse, ContactPermission, Participant

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
# What a tab stop is: everything that takes the focus and is seen, and of a group of radios one.
TAB_STOPS = """() => {
  const seen = new Set();
  return [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter((e) => e.type !== "hidden" && e.checkVisibility() && e.tabIndex >= 0)
    .filter((e) => e.type !== "radio" || !(seen.has(e.name) || !seen.add(e.name)))
    .map((e, place) => (e.dataset.stop = place));
}"""
FOCUSED = """() => {
  const e = document.activeElement, box = e.getBoundingClientRect(), look = getComputedStyle(e);
  const outlined = look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2;
  const inside = box.top < innerHeight && box.bottom > 0 && box.left >= 0 && box.right <= innerWidth;
  return { stop: e.dataset.stop, shown: outlined && inside, html: e.outerHTML.slice(0, 120) };
}"""


def link_in(message, home):
    """The one link of a mail, as its reader finds it in the text."""
    return re.search(re.escape(home) + r"/engagement/\w/[\w-]{22,43}/", message.body).group(0)


def may_be_invited():
    return ContactPermission.objects.get(purpose="invite").may_write


WITHOUT = {
    "script": {"java_script_enabled": False},
    "style": {},
    "width": {"width": 320, "java_script_enabled": False, "has_touch": True, "is_mobile": True},
}


@pytest.fixture(params=WITHOUT)
def resident(request, open_browser):
    """A browser that lacks one thing."""
    page = open_browser(**WITHOUT[request.param])
    if request.param == "style":
        page.route("**/*.css", lambda route: route.fulfill(body="", content_type="text/css"))
    return page


def test_somebody_answers_confirms_chooses_leaves_and_comes_back(resident, town, work, live_server):
    STATES["done"](town, resident)
    message = work()[0]
    resident.goto(link_in(message, live_server.url))
    shot(resident, "journey-confirm")
    press(resident, "Confirm my email address")
    assert may_be_invited()
    resident.get_by_role("link", name="See or change your choices").click()
    expect(resident.get_by_label("Cycling")).to_be_checked()
    press(resident, "Leave everything")
    expect(resident.get_by_role("status")).to_contain_text("You have left")
    assert not may_be_invited()
    person = Participant.objects.get()
    assert person.responses.count() == ConsultationResponse.objects.count() == 1


def test_somebody_leaves_and_takes_it_back(resident, town):
    STATES["left"](town, resident)
    assert not may_be_invited()
    press(resident, "Tell me about consultations again")
    expect(resident.get_by_role("heading", level=1)).to_have_text("Leave")
    assert may_be_invited()


def test_errors_take_the_focus_and_lead_to_their_controls(resident, town):
    STATES["errors"](town, resident)
    summary = resident.get_by_role("alert")
    expect(summary).to_be_focused()
    assert resident.title().startswith("Error: ")
    links = summary.get_by_role("link")
    assert links.count() == 3
    for link in links.all():
        link.click()
        control = resident.locator(link.get_attribute("href").replace("#", "id=", 1))
        expect(control).to_be_focused()
        expect(control).to_be_in_viewport()
        expect(resident.locator(".engagement-error", has_text=link.text_content())).to_be_visible()


def test_what_was_typed_is_still_there_beside_the_error(resident, town):
    STATES["open_now"](town, resident)
    fill_in(resident)
    tick_everything(resident, email="ada at example")
    press(resident, SEND)
    expect(resident.get_by_role("alert")).to_contain_text("like name@example.com")
    expect(resident.get_by_label("What should change?")).to_have_value("More benches.\nFewer cars.")
    expect(resident.get_by_label("Email address")).to_have_value("ada at example")
    expect(resident.get_by_label("Cycling")).to_be_checked()
    expect(resident.get_by_label("Month").last).to_have_value("3")


def test_answers_survive_a_lost_cookie(resident, town):
    STATES["csrf_kept"](town, resident)
    expect(resident.get_by_role("alert")).to_be_focused()
    press(resident, SEND)
    expect(resident.get_by_role("main")).to_contain_text("More benches.")
    assert ConsultationResponse.objects.count() == 1


def walk(page, stops):
    """Press Tab once around the page; return the stops in order, from the top of the page."""
    reached = []
    for _press in range(stops + 2):  # past what has the focus now, and past the browser's own bars
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["html"].startswith("<body") or focused["stop"] in reached:
            continue
        assert focused["shown"], f"no sign of the focus on {focused['html']}"
        reached.append(focused["stop"])
    top = reached.index("0")
    return reached[top:] + reached[:top]


@pytest.mark.parametrize("name", ["errors", "sign_up_errors", "index_empty", "choices", "confirm"])
def test_the_tab_key_reaches_every_control_in_order_and_shows_where_it_is(name, town, page):
    STATES[name](town, page)
    stops = page.evaluate(TAB_STOPS)
    assert walk(page, len(stops)) == [str(stop) for stop in stops]


def test_a_consultation_is_answered_with_nothing_but_the_keyboard(town, page):
    STATES["open_now"](town, page)
    page.get_by_label("What is the street called?").focus()
    for text in ("Mill Lane", " ", "27", "3", "2019"):  # a space chooses the first of the radios
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("We have your answers")
    assert "Mill Lane" in ConsultationResponse.objects.get().answers.values()
