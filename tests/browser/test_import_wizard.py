"""Bring in a sheet in a browser, as its journey is told: twelve decisions, five for the next."""

import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from django.utils import timezone

from tests.browser.watch import barriers, shot
from tests.imports import old_forms
from tests.imports.old_forms import ANN, BO
from tests.imports.test_sheets import workbook
from tests.site import DAY
from wagtail_engagement.models import ContactPermission, Participant

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
# Messages are Wagtail's own, and are seen while they fade in.
OURS = {"include": [["main"]], "exclude": [[".messages"]]}
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


def test_the_sheets_of_a_workbook_follow_one_another(town, staff, sheet, tmp_path, work):
    path = tmp_path / "fairs.xlsx"
    path.write_bytes(workbook())
    page = staff("Register steward")
    page.goto(reverse("wagtail_engagement_imports:upload"))
    page.get_by_label("Sheets").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    looked_at(page, "sheets")
    page.get_by_role("button", name="Go on with these sheets").click()
    page.get_by_role("button", name="Save and go on").click()
    declare(page)
    page.get_by_role("button", name="Save and check").click()
    page.get_by_label("say that this is true").check()
    page.get_by_role("button", name="Import 1 person's row").click()
    looked_at(page, "next-sheet")
    page.get_by_role("link", name="Next sheet: “fairs.xlsx, Autumn”").click()
    looked_at(page, "second-sheet")
    # The next sheet takes five decisions.
    page.get_by_role("button", name="Same as last sheet").click()
    looked_at(page, "second-origin")
    page.get_by_role("button", name="Save and check").click()
    page.get_by_label("say that this is true").check()
    page.get_by_role("button", name="Import 1 person's row").click()
    page.get_by_text("Being imported").wait_for()
    work()
    assert set(Participant.objects.values_list("name", flat=True)) == {"Ann Lee", "Bo Ray"}


def test_a_form_of_the_site_is_brought_in_with_its_answers(town, staff, sheet, work):
    people = [{**ANN, "email": f"ann{n}@example.org", "your_name": f"Ann {n}"} for n in range(12)]
    form = old_forms.form(*people, BO, {**BO, "email": "see below"}, {**ANN, "pets": "A goat"})
    Group.objects.get(name="Register steward").page_permissions.create(
        page=form, permission=Permission.objects.get(codename="change_page")
    )
    page = staff("Register steward", "Engagement analyst")
    page.goto(reverse("wagtail_engagement_imports:bring"))
    looked_at(page, "form-list")
    page.get_by_role("button", name="Bring in “Allotment survey”").click()
    page.get_by_text("has 15 submissions").wait_for()
    looked_at(page, "form-fields")
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_text("“yes” means").first.wait_for()
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_label("Title among the responses").wait_for()
    looked_at(page, "form-origin")
    page.get_by_label("Consent", exact=True).check()
    page.get_by_label("The words that people were shown").fill("Yes, write to me.")
    page.get_by_label("Cycling").check()
    page.get_by_role("button", name="Save and check").click()
    page.get_by_role("heading", name="What would happen").wait_for()
    looked_at(page, "form-check")
    page.get_by_label("say that this is true").check()
    page.get_by_role("button", name="Bring in 15 responses").click()
    page.get_by_text("Being imported").wait_for()
    work()
    page.get_by_role("heading", name="What came of it").wait_for()
    looked_at(page, "form-result")
    page.get_by_role("link", name="Read the responses").click()
    looked_at(page, "form-responses")
    page.get_by_role("link", name=re.compile("^[0-9A-Z]{8}$")).first.click()
    looked_at(page, "form-response")
    assert Participant.objects.count() == 13
