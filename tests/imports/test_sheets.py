"""Several sheets of one workbook: each an import of its own."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from openpyxl import Workbook
from wagtail.models import ModelLogEntry

from wagtail_engagement.imports import files, importing
from wagtail_engagement.models import ImportBatch, Participant

from .test_wizard import at, told

pytestmark = pytest.mark.django_db
HEADINGS = ["Name", "Email"]
SHEETS = {
    "READ ME": [["Do not edit"]],
    "Spring": [["Fair"], [], HEADINGS, ["Ann Lee", "ann@example.org"]],
    "Autumn": [HEADINGS, ["Bo Ray", "bo@example.org"]],
    "Budget": [["Item", "Cost"], ["Tea", 12]],
    "Left": [HEADINGS, ["Cy Fox", "cy@example.org"]],
    "Winter": [],
}


def workbook(sheets=None, *, hidden=("Left",)):
    book, kept = Workbook(), io.BytesIO()
    book.remove(book.active)
    for name, rows in (sheets or SHEETS).items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
    book.save(kept)
    return kept.getvalue()


def uploaded(client, *, sheets=None):
    """A workbook that was uploaded; nobody has chosen its sheets yet."""
    file = SimpleUploadedFile("fairs.xlsx", workbook(sheets))
    client.post(at("upload"), {"sheets": [file]})
    return ImportBatch.objects.latest("id")


def chosen(client, *names):
    client.post(at("sheets", uploaded(client).pk), {"sheets": names})
    return list(ImportBatch.objects.order_by("pk"))


def brought_in(client, batch):
    client.post(
        at("columns", batch.pk), {"column_0": "name", "column_1": "email", "date_order": "dmy"}
    )
    client.post(at("origin", batch.pk), told())
    client.post(at("start", batch.pk), {"attested": "on"})
    call_command("engagement_work", once=True)
    batch.refresh_from_db()


def test_a_workbook_with_several_sheets_asks_which_and_says_why_others_are_left_out(staff):
    batch = uploaded(staff)
    answer = staff.get(at("columns", batch.pk), follow=True)
    form = answer.context["form"]
    assert [sheet.name for sheet in form.offered] == ["Spring", "Autumn", "Budget", "Left"]
    assert form.initial["sheets"] == ["Spring", "Autumn"]
    assert "Somebody has hidden this sheet" in answer.text
    assert "READ ME: no rows below the headings" in answer.text
    assert "Winter: empty" in answer.text


def test_a_workbook_with_one_usable_sheet_asks_nothing(staff):
    sheets = {name: SHEETS[name] for name in ("READ ME", "Spring", "Winter")}
    answer = staff.get(at("columns", uploaded(staff, sheets=sheets).pk))
    assert "headings in row 3 of “Spring”" in answer.text
    assert "“Winter” (empty)" in answer.text


def test_each_chosen_sheet_is_an_import_with_a_file_of_its_own(staff):
    made = chosen(staff, "Spring", "Autumn")
    assert [batch.sheet for batch in made] == ["Spring", "Autumn"]
    assert len({batch.stored_as for batch in made}) == 2
    for batch in made:
        brought_in(staff, batch)
    assert [batch.status for batch in made] == ["finished", "finished"]
    assert set(Participant.objects.values_list("name", flat=True)) == {"Ann Lee", "Bo Ray"}


def test_the_sheet_of_those_who_left_is_gone_through_first(staff):
    rows = [HEADINGS, ["Ann Lee", "ann@example.org"]]
    batch = uploaded(staff, sheets={"Members": rows, "Do not contact": rows})
    staff.post(at("sheets", batch.pk), {"sheets": ["Members", "Do not contact"]})
    made = ImportBatch.objects.order_by("pk")
    assert [batch.sheet for batch in made] == ["Do not contact", "Members"]


def test_choosing_twice_makes_nothing_twice(staff):
    first, _second = chosen(staff, "Spring", "Autumn")
    again = {"batch": first, "names": ["Spring", "Autumn", "Budget"], "actor": None}
    [third] = importing.take_sheets(**again)
    assert third.sheet == "Budget"
    assert ImportBatch.objects.count() == 3


def test_the_next_sheet_is_offered_until_none_is_left(staff):
    first, second = chosen(staff, "Spring", "Autumn")
    brought_in(staff, first)
    assert "Next sheet: “fairs.xlsx, Autumn”" in staff.get(at("show", first.pk)).text
    brought_in(staff, second)
    assert "Next sheet" not in staff.get(at("show", second.pk)).text


def test_a_sheet_with_other_headings_takes_over_what_was_said_but_the_days(staff):
    sheets = {**SHEETS, "Autumn": [["E-mail", "Ward"], ["bo@example.org", "Mill"]]}
    first = uploaded(staff, sheets=sheets)
    staff.post(at("sheets", first.pk), {"sheets": ["Spring", "Autumn"]})
    brought_in(staff, first)
    second = ImportBatch.objects.get(sheet="Autumn")
    staff.post(at("columns", second.pk), {"column_0": "email", "column_1": "area"})
    staff.post(
        at("columns", second.pk), {"column_0": "email", "date_order": "dmy", "column_1": "area"}
    )
    answer = staff.get(at("origin", second.pk))
    assert "What you said of “fairs.xlsx, Spring” is filled in below" in answer.text
    initial = answer.context["form"].initial
    assert (initial["source"], initial["collected_from"]) == (told()["source"], None)


def test_a_sheet_with_the_same_headings_is_told_in_one_press(staff):
    first, second = chosen(staff, "Spring", "Autumn")
    brought_in(staff, first)
    assert "Same as last sheet" in staff.get(at("columns", second.pk)).text
    staff.post(at("same", second.pk))
    second.refresh_from_db()
    assert (second.sheet, second.header_row, second.basis) == ("Autumn", 1, "consent")


def test_deleting_one_sheet_leaves_the_file_of_the_other(staff, django_capture_on_commit_callbacks):
    first, second = chosen(staff, "Spring", "Autumn")
    kept = files.path_of(first)
    with django_capture_on_commit_callbacks(execute=True):
        answer = staff.post(at("discard", first.pk))
    assert answer.url == at("show", second.pk)
    assert not kept.exists() and not ImportBatch.objects.filter(pk=first.pk).exists()
    brought_in(staff, second)
    assert second.status == "finished"
    assert ModelLogEntry.objects.filter(action="wagtail_engagement.import_discarded").exists()


def test_undoing_one_sheet_leaves_the_people_of_the_other(staff):
    first, second = chosen(staff, "Spring", "Autumn")
    for batch in (first, second):
        brought_in(staff, batch)
    staff.post(at("undo", first.pk))
    call_command("engagement_work", once=True)
    assert [person.name for person in Participant.objects.all()] == ["Bo Ray"]


def test_a_sheet_that_is_in_the_register_is_not_deleted(staff):
    first, _second = chosen(staff, "Spring", "Autumn")
    brought_in(staff, first)
    staff.post(at("discard", first.pk))
    assert ImportBatch.objects.filter(pk=first.pk).exists()


def test_several_files_are_gone_through_one_after_the_other(staff):
    given = [SimpleUploadedFile(f"{n}.csv", b"Name,Email\nAnn,ann@example.org\n") for n in "ab"]
    answer = staff.post(at("upload"), {"sheets": given}, follow=True)
    assert "2 files are here. This is the first" in answer.text
    first = ImportBatch.objects.get(filename="a.csv")
    answer = staff.post(at("park", first.pk), {"waits_for": "evidence"}, follow=True)
    assert answer.context["batch"].filename == "b.csv"


def test_where_the_file_system_has_no_links_the_file_is_copied(staff, monkeypatch):
    def refuse(*_paths):
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refuse)
    first, second = chosen(staff, "Spring", "Autumn")
    assert files.path_of(first).read_bytes() == files.path_of(second).read_bytes()
