"""Sheets brought in from the shell: the same rules, and numbers that add up."""

import json

import pytest
from django.core.management import CommandError, call_command

from tests import factories
from wagtail_engagement.models import ImportBatch, Interest, Participant

from . import sheets, test_sheets

pytestmark = pytest.mark.django_db
ROWS = [
    ["ann@example.com", "Ann Lee", "Parks; bins", "yes"],
    ["ANN@example.com", "Ann Lee", "Parks", "yes"],
    ["bob@example.com", "Bob Hay", "", "no"],
    ["cy@example.com", "Cy", "", "ask later"],
    ["tel only", "Di", "", "yes"],
    ["", "Ed", "", "yes"],
]


@pytest.fixture(autouse=True)
def council():
    factories.UserFactory(username="steward")
    factories.InterestFactory(name="Parks")
    factories.SuppressionFactory(address="bob@example.com", reason="complained")


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "fair.csv"
    path.write_bytes(sheets.csv_of(ROWS).getvalue())
    return path


@pytest.fixture
def wording(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text(sheets.WORDS)
    return path


def run(capsys, *files, **more):
    """What the command says for machines."""
    told = {"source": "Fair", "basis": "consent", "attested_by": "steward", "json": True}
    call_command("engagement_import", *files, **{**told, **more})
    return json.loads(capsys.readouterr().out)


def by_the_book(wording):
    days = {"collected_from": str(sheets.ago(30)), "collected_to": str(sheets.ago(20))}
    return {"wording": str(wording), **days}


def test_it_reports_each_file_and_the_rows_add_up(capsys, sheet):
    [report] = run(capsys, sheet)
    numbers = {k: report[k] for k in ("new", "added", "unchanged", "suppressed", "review")}
    assert numbers == {"new": 1, "added": 0, "unchanged": 1, "suppressed": 1, "review": 1}
    assert report["rows"] == sum(numbers.values()) + len(report["refused"])
    refused, nameless = sorted(report["refused"], key=lambda row: row["column"] or "", reverse=True)
    assert (refused["row"], refused["column"]) == (6, "Email") and refused["reason"]
    assert "no address" in nameless["reason"] and report["without_address"] == 1
    assert (report["file"], report["unknown_interests"]) == ("fair.csv", {"bins": 1})


def test_a_dry_run_says_the_same_and_stores_nothing(capsys, sheet, tmp_path):
    other = tmp_path / "other.csv"
    other.write_bytes(sheets.csv_of([sheets.row(), sheets.row(email="cy@example.com")]).read())
    dry = run(capsys, sheet, str(other), dry_run=True)
    assert not Participant.objects.exists() and not ImportBatch.objects.exists()
    wet = run(capsys, sheet, str(other))
    assert [{**report, "batch": None} for report in wet] == [
        {**report, "batch": None} for report in dry
    ]


def test_people_with_evidence_may_be_invited(capsys, sheet, wording):
    run(capsys, sheet, **by_the_book(wording))
    assert sheets.standing("ann@example.com") == "granted"
    batch = ImportBatch.objects.get()
    assert (batch.attested_by.username, batch.words) == ("steward", sheets.WORDS)


def test_without_a_mapping_it_prints_its_guess_apart_from_the_report(capsys, sheet):
    call_command(
        "engagement_import", sheet, source="Fair", basis="consent", attested_by="steward", json=True
    )
    told = capsys.readouterr()
    assert json.loads(told.out) and "OK to contact?: permission" in told.err


def test_a_mapping_says_what_columns_and_words_mean(capsys, sheet, tmp_path):
    factories.InterestFactory(name="Waste")
    told = {
        "fields": {"Email": "email", "Interests": "interests"},
        "interest_words": {"bins": "Waste"},
    }
    path = tmp_path / "mapping.json"
    path.write_text(json.dumps(told))
    [report] = run(capsys, sheet, mapping=path)
    assert report["unknown_interests"] == {}
    people = Participant.objects.filter(interest_links__interest=Interest.objects.get(name="Waste"))
    assert [person.name for person in people] == [""]


def test_there_is_no_limit_of_rows(capsys, tmp_path, settings):
    settings.WAGTAIL_ENGAGEMENT_IMPORT_ROWS = 3
    settings.WAGTAIL_ENGAGEMENT_IMPORT_BYTES = 10
    path = tmp_path / "long.csv"
    path.write_bytes(sheets.csv_of([[f"p{n}@example.com"] for n in range(2500)]).getvalue())
    [report] = run(capsys, path)
    assert report["new"] == Participant.objects.count() == 2500


def test_a_file_that_cannot_be_read_keeps_no_other_waiting(capsys, sheet, tmp_path):
    picture = tmp_path / "picture.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 50)
    with pytest.raises(CommandError, match=r"picture\.csv"):
        run(capsys, picture, sheet)
    bad, good = json.loads(capsys.readouterr().out)
    assert bad["error"] and good["new"] == 1


WRONG = [
    {"attested_by": "nobody"},
    {"wording": "nowhere.txt"},
    {"mapping": "nowhere.json"},
    {"collected_from": "last summer"},
    {"collected_from": str(sheets.ago(1)), "collected_to": str(sheets.ago(5))},
    {"sheet": "No such sheet"},
]


@pytest.mark.parametrize("more", WRONG)
@pytest.mark.parametrize("dry_run", [False, True])
def test_what_is_wrong_is_said_and_nothing_is_stored(capsys, sheet, more, dry_run):
    with pytest.raises(CommandError):
        run(capsys, sheet, dry_run=dry_run, **more)
    assert not Participant.objects.exists()


def test_people_read_a_report_in_sentences(capsys, sheet):
    call_command("engagement_import", sheet, source="Fair", basis="consent", attested_by="steward")
    told = capsys.readouterr().out
    assert "fair.csv, fair: 6 rows" in told
    assert "Row 6, column Email: This is not an email address" in told
    assert "1 row says “bins”, which is no interest here" in told


@pytest.mark.outside
def test_every_sheet_with_addresses_is_brought_in(capsys, outside_data):
    folder = outside_data / "contacts"
    reports = run(capsys, *sorted(folder.glob("*.[cx]*[vx]")))
    assert [report["sheet"] for report in reports][0] == "Summer fair 2018"
    assert sum(report["new"] for report in reports) == 66


def workbook(tmp_path):
    path = tmp_path / "fairs.xlsx"
    path.write_bytes(test_sheets.workbook())
    return path


def test_every_sheet_with_addresses_is_brought_in_and_the_others_are_named(capsys, tmp_path):
    reports = run(capsys, workbook(tmp_path))
    assert [(report["sheet"], report["new"]) for report in reports] == [
        ("Spring", 1),
        ("Autumn", 1),
    ]
    assert reports[0]["other_sheets"] == {
        "READ ME": "no rows below the headings",
        "Budget": "no column of email addresses was found",
        "Left": "hidden; name it with --sheet to bring it in",
        "Winter": "empty",
    }


def test_only_the_sheets_that_are_named_are_brought_in(capsys, tmp_path):
    reports = run(capsys, workbook(tmp_path), sheet=["Left", "Spring"])
    assert [report["sheet"] for report in reports] == ["Spring", "Left"]
    assert Participant.objects.count() == 2


def test_a_named_sheet_without_addresses_refuses_the_file(capsys, tmp_path):
    with pytest.raises(CommandError):
        run(capsys, workbook(tmp_path), sheet=["Spring", "Budget"])
    [report] = json.loads(capsys.readouterr().out)
    assert "“Budget” cannot be brought in" in report["error"]
    assert not Participant.objects.exists()


def test_the_sheet_of_those_who_left_comes_before_those_who_said_yes(capsys, tmp_path, wording):
    path = tmp_path / "panel.xlsx"
    yes = [["Email", "OK to contact?"], ["ann@example.com", "yes"]]
    left = [["Email", "Reason"], ["Ann@Example.com", "asked"]]
    path.write_bytes(test_sheets.workbook({"Members": yes, "Opt-outs": left}))
    reports = run(capsys, path, **by_the_book(wording))
    assert [report["sheet"] for report in reports] == ["Opt-outs", "Members"]
    assert sheets.standing("ann@example.com") == "stopped"
    assert reports[1]["suppressed"] == 1
