"""Bring in a sheet in a browser, as its journey is told: twelve decisions, five for the next."""

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.browser.watch import barriers, shot
from tests.site import DAY
from wagtail_engagement.models import ContactPermission, Participant

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
OURS = {"include": [["main"]]}
SHEET = (
    "Exported: 3 November 2026\n\nName;Email;Interests;OK to contact?\n"
    "Ann Lee;ann@example.org;Parks / Bins;Y\nBo Ray;bo@example.org;;N\nCy Fox;;;Y\n"
)


@pytest.fixture
def sheet(settings, tmp_path):
    settings.WAGTAIL_ENGAGEMENT_IMPORT_DIR = str(tmp_path / "kept")
    path = tmp_path / "panel.csv"
    path.write_text(SHEET)
    return path


def looked_at(page, name):
    page.get_by_role("main").wait_for()
    shot(page, f"import-{name}")
    assert barriers(page, within=OURS) == []


def declare(page):
    today = timezone.localdate()
    page.get_by_label("Where does this sheet come from?").fill("Residents panel")
    page.get_by_label("Collected from").fill((today - 60 * DAY).isoformat())
    page.get_by_label("Collected until").fill((today - 30 * DAY).isoformat())
    page.get_by_label("Consent", exact=True).check()
    page.get_by_label("The words that people were shown").fill("Yes, write to me.")


def test_a_sheet_is_brought_in_step_by_step(town, staff, sheet, work):
    page = staff("Register steward")
    page.goto(reverse("wagtail_engagement_imports:upload"))
    looked_at(page, "upload")
    page.get_by_label("Sheets").set_input_files(sheet)
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("headings in row 3").wait_for()
    looked_at(page, "columns")
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_text("“yes” means").first.wait_for()
    looked_at(page, "words")
    page.get_by_role("button", name="Save and go on").click()
    declare(page)
    looked_at(page, "origin")
    page.get_by_role("button", name="Save and check").click()
    page.get_by_role("heading", name="What would happen").wait_for()
    looked_at(page, "check")
    page.get_by_label("say that this is true").check()
    page.get_by_role("button", name="Import 2 people's rows").click()
    page.get_by_role("progressbar").or_(page.get_by_text("0 rows done")).first.wait_for()
    looked_at(page, "running")
    work()
    page.get_by_role("heading", name="What came of it").wait_for()  # the screen looks by itself
    looked_at(page, "result")
    ann = Participant.objects.get(email="ann@example.org")
    assert ContactPermission.objects.get(participant=ann, purpose="invite").may_write


def test_lists_are_compared_in_a_browser(town, staff, sheet, tmp_path):
    other = tmp_path / "fair.csv"
    other.write_text("E-mail\nBO@example.org\n")
    page = staff("Register steward")
    page.goto(reverse("wagtail_engagement_imports:compare"))
    page.get_by_label("Sheets").set_input_files([sheet, other])
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("heading", name="1 of 2 addresses").wait_for()
    looked_at(page, "compare")


def test_many_lists_are_compared_without_cutting_the_table(town, staff, sheet, tmp_path):
    names = [f"Parks and open spaces contacts {year} (FINAL v2).csv" for year in range(2017, 2025)]
    for name in names:
        (tmp_path / name).write_text(sheet.read_text())
    page = staff("Register steward")
    page.goto(reverse("wagtail_engagement_imports:compare"))
    page.get_by_label("Sheets").set_input_files([tmp_path / name for name in names])
    page.get_by_role("button", name="Compare").click()
    wide = page.get_by_role("region", name="Each list")
    wide.wait_for()
    looked_at(page, "compare-many")
    assert wide.evaluate("each => each.scrollWidth <= each.clientWidth")
    page.set_viewport_size({"width": 320, "height": 900})
    looked_at(page, "compare-many-narrow")
    wide.focus()
    for _press in range(99):
        page.keyboard.press("ArrowRight")
    last = wide.get_by_role("columnheader").last
    page.wait_for_function(
        "each => each.getBoundingClientRect().right <= innerWidth", arg=last.element_handle()
    )
