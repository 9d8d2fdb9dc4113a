import pytest
from django.utils import timezone
from openpyxl import Workbook

from tests import factories
from wagtail_engagement import addresses
from wagtail_engagement.consent import barring
from wagtail_engagement.imports.comparing import Sheet, compare, measures, table
from wagtail_engagement.imports.scanning import Reading
from wagtail_engagement.imports.spreadsheet import SheetRefused
from wagtail_engagement.models import Participant

pytestmark = pytest.mark.django_db
PARKS = "Name,Email,OK to contact?,Date\nAnn,ann@example.org,Y,2025-09-01\nBo,bo@example.org,N,2016-02-01\n"
FAIR = "E-mail,Name\nBO@example.org,Bo\nbo@example.org,Bo\nsee notes,Cy\n,Di\neve@example.org,Eve\n"


@pytest.fixture
def sheets(tmp_path):
    """Return a function that makes sheets to compare, from texts."""

    def make(*texts, column=""):
        for number, text in enumerate(texts):
            (tmp_path / str(number)).write_text(text)
        return [
            Sheet(Reading(path=tmp_path / str(n), filename=f"list{n}.csv"), column)
            for n in range(len(texts))
        ]

    return make


def compared(sheets):
    return compare(sheets, at=timezone.now())


def test_an_address_is_counted_once_on_each_list_and_the_overlap_is_told(sheets):
    found = compared(sheets(PARKS, FAIR))
    assert (found.addresses, found.on_several, found.on_lists) == (3, 1, {1: 2, 2: 1})
    assert found.overlaps == [[2, 1], [1, 2]]
    fair = found.lists[1]
    assert (fair.rows, fair.addresses, fair.repeated) == (5, 2, 1)
    assert (fair.refused, fair.no_address, fair.here_only) == (1, 1, 1)


def test_each_sheet_of_a_workbook_is_a_list_of_its_own(tmp_path):
    book, path = Workbook(), tmp_path / "fairs.xlsx"
    book.active.append(["A note, no list"])
    for name, email in (("Spring", "ann@example.org"), ("Autumn", "ANN@example.org")):
        for row in (["Name", "Email"], ["Ann", email]):
            (book[name] if name in book else book.create_sheet(name)).append(row)
    book.save(path)
    found = compared([Sheet(Reading(path=path, filename="fairs.xlsx"))])
    assert [each.name for each in found.lists] == ["fairs.xlsx: Spring", "fairs.xlsx: Autumn"]
    assert found.on_lists == {2: 1}
    assert found.left_out == {"fairs.xlsx: Sheet": "no rows below the headings"}


def test_a_hidden_sheet_is_named_as_not_compared(tmp_path):
    book, path = Workbook(), tmp_path / "fairs.xlsx"
    for name in ("Spring", "Do not contact"):
        for row in (["Name", "Email"], ["Ann", "ann@example.org"]):
            (book[name] if name in book else book.create_sheet(name)).append(row)
    book["Do not contact"].sheet_state = "hidden"
    book.save(path)
    found = compared([Sheet(Reading(path=path, filename="fairs.xlsx"))])
    assert found.left_out["fairs.xlsx: Do not contact"] == "hidden" and found.addresses == 1


def test_more_sheets_than_can_be_shown_are_refused_with_a_sentence(sheets):
    with pytest.raises(SheetRefused, match="at most 20"):
        compared(sheets(*[PARKS] * 21))


def test_who_said_no_on_one_list_counts_as_that_on_all(sheets):
    found = compared(sheets(PARKS, FAIR))
    assert found.opted_out == 1
    assert [each.opted_out for each in found.lists] == [1, 1]


def test_who_is_on_do_not_contact_counts_as_having_said_no(sheets):
    barring.suppress(address="eve@example.org", reason="manual", at=timezone.now())
    assert compared(sheets(PARKS, FAIR)).lists[1].opted_out == 2


def test_who_is_in_the_register_is_counted_and_nobody_joins_it(sheets):
    factories.ParticipantFactory(
        email="Ann@example.org", address_key=addresses.key("Ann@example.org")
    )
    found = compared(sheets(PARKS, FAIR))
    assert [each.registered for each in found.lists] == [1, 0]
    assert Participant.objects.count() == 1


def test_an_address_is_old_when_its_newest_day_is_over_24_months_ago(sheets):
    newer = "Email,Date\nbo@example.org,2026-01-05\n"
    assert compared(sheets(PARKS, FAIR)).stale == 1
    assert compared(sheets(PARKS, newer)).stale == 0


def test_rows_without_a_readable_day_are_counted_for_nobody_can_tell_how_old_they_are(sheets):
    odd = "Email,Date\nann@example.org,last spring\nbo@example.org,2025-01-05\neve@example.org,\n"
    found = compared(sheets(PARKS, FAIR, odd))
    assert [each.undated for each in found.lists] == [0, 5, 2]
    assert found.undated == 1  # eve, for whom no sheet has one
    assert measures(found)["Rows without a readable day"] == [0, 5, 2]


def test_a_heading_that_is_named_is_read_instead_of_the_guess(sheets):
    other = "Email,Second address\nann@example.org,eve@example.org\n"
    found = compared(sheets(other, FAIR, column="second ADDRESS"))
    assert [each.column for each in found.lists] == ["Second address", "E-mail"]
    assert found.on_several == 1


def test_a_sheet_without_addresses_is_refused_by_its_name_with_its_headings(sheets):
    with pytest.raises(SheetRefused, match=r"list1\.csv: No column .* Colour, Size"):
        compared(sheets(PARKS, "Colour,Size\nred,5\nblue,6\n"))


def test_the_table_of_counts_names_no_address(sheets):
    rows = list(table(compared(sheets(PARKS, FAIR))))
    assert [row[0] for row in rows[1:]] == ["list0.csv", "list1.csv"]
    assert "@" not in str(rows)
    assert rows[0][:3] == ["Sheet", "Rows", "Rows without a readable day"]
    assert rows[1][1:3] == [2, 0] and {len(row) for row in rows} == {len(rows[0])}
