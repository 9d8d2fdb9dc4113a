"""Many people at once, in a browser: tick, filter, confirm."""

import re

import pytest

from tests import factories
from tests.browser.watch import barriers, shot
from wagtail_engagement.models import ParticipantInterest

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
PEOPLE = "/admin/engagement/participants/"
NOTE_CHANGES = """() => document.querySelector("[data-search-form]").addEventListener(
    "change", () => { document.title = "changed"; })"""


@pytest.fixture
def page(staff):
    factories.InterestFactory(name="Ponds")
    factories.ParticipantFactory.create_batch(55, name="Olav")
    factories.ParticipantFactory.create_batch(5, name="Ada")
    return staff("Engagement all-in-one")


def test_everybody_who_was_searched_for_gets_an_interest(page):
    page.goto(f"{PEOPLE}?q=Olav")
    page.locator("th").get_by_label("Select all").check()
    page.get_by_text("Select everybody in the listing").click()
    page.get_by_role("link", name="Add interests").click()
    page.get_by_text("55 people are selected.").wait_for()
    shot(page, "staff-bulk")
    assert barriers(page, within={"include": [["main"]]}) == []
    page.get_by_label("Ponds").check()
    page.get_by_role("button", name="Add interests").click()
    page.get_by_text("55 interests added.").wait_for()
    names = ParticipantInterest.objects.values_list("participant__name", flat=True)
    assert set(names) == {"Olav"}


def test_a_search_without_reloading_counts_for_the_selection_too(page):
    page.goto(PEOPLE)
    page.get_by_role("textbox", name="Search").fill("Ada")
    page.get_by_text("There are 5 matches").wait_for()
    page.wait_for_url(re.compile("q=Ada"))
    page.evaluate(NOTE_CHANGES)
    page.locator("th").get_by_label("Select all").check()
    assert page.title() != "changed"  # Else Wagtail fetches the list, and the tick is gone.
    page.get_by_role("link", name="Do not contact").click()
    page.get_by_text("5 people are selected.").wait_for()
    page.get_by_role("link", name="Leave it as it is").click()
    page.wait_for_url(re.compile("q=Ada"))
