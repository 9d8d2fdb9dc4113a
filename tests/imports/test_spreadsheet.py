"""Reading an uploaded sheet: what it holds, and a sentence for whatever cannot be read."""

import datetime
import json
import subprocess
import sys
import zipfile

import openpyxl
import pytest

from tests.imports import workbooks
from wagtail_engagement.imports.columns import guess
from wagtail_engagement.imports.spreadsheet import Limits, SheetRefused, inspect, rows

PEOPLE = "Email,Name\namina@example.org,Amina\nben@example.org,Ben\n"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.fixture
def written(tmp_path):
    """Write a file of that name; gives its path."""

    def write(content, name="people.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


@pytest.fixture
def workbook(tmp_path):
    """Write an XLSX of these rows; `dress` may change the sheet before it is saved."""

    def write(*lines, dress=lambda sheet: None):
        book = openpyxl.Workbook()
        for line in lines:
            book.active.append(line)
        dress(book.active)
        book.save(tmp_path / "people.xlsx")
        return tmp_path / "people.xlsx"

    return write


def look(path, **options):
    return inspect(path, filename=path.name, **options)


def sheet_of(path, **options):
    return look(path, **options).sheets[0]


def read(path, **options):
    found = sheet_of(path)
    given = {"sheet": found.name, "header_row": found.header_row, **options}
    return list(rows(path, filename=path.name, **given))


def refusal(path, **options):
    with pytest.raises(SheetRefused) as refused:
        look(path, **options)
    return str(refused.value)


def test_a_plain_list_gives_its_headings_and_rows(written):
    path = written(PEOPLE)
    sheet = sheet_of(path)
    assert (sheet.header_row, sheet.headers) == (1, ["Email", "Name"])
    assert (sheet.rows, sheet.columns) == (3, 2)
    assert sheet.samples == [["amina@example.org", "Amina"], ["ben@example.org", "Ben"]]
    assert read(path) == [(2, ["amina@example.org", "Amina"]), (3, ["ben@example.org", "Ben"])]


@pytest.mark.parametrize("delimiter", list(",;|^\t"))
def test_the_delimiter_is_found_and_told(written, delimiter):
    path = written(PEOPLE.replace(",", delimiter))
    assert look(path).delimiter == delimiter
    assert sheet_of(path).headers == ["Email", "Name"]


def test_a_first_line_that_names_the_delimiter_is_obeyed_and_is_no_row(written):
    path = written("sep=;\nNamn;E-post\nBerg, Britt;britt@example.org\n")
    assert look(path).delimiter == ";"
    assert read(path) == [(2, ["Berg, Britt", "britt@example.org"])]


def test_a_delimiter_that_a_person_chose_wins(written):
    path = written("Email;Name,Given\na@example.org;Berg,Britt\n")
    assert look(path, delimiter=",").sheets[0].headers == ["Email;Name", "Given"]
    assert "one character" in refusal(path, delimiter="::")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_encoding_that_the_file_tells_is_certain(written, encoding):
    path = written("Name,Email\nSiân,sian@example.org\n", encoding=encoding)
    found = look(path)
    assert (found.encoding, found.encoding_is_certain) == (encoding, True)
    assert read(path) == [(2, ["Siân", "sian@example.org"])]


def test_an_encoding_that_was_guessed_is_said_to_be_a_guess(written):
    path = written("Name,Email\nSiân “Siwsi” Huws,sian@example.org\n", encoding="cp1252")
    found = look(path)
    assert (found.encoding, found.encoding_is_certain) == ("cp1252", False)
    assert found.sheets[0].samples[0][0] == "Siân “Siwsi” Huws"


@pytest.mark.parametrize("words", ["Åsa Öberg", "About £5 – O’Brien", "Siân"])
def test_a_few_accents_are_read_as_offices_here_write_them(written, words):
    path = written(f"Email;Name\nann@example.com;{words}\n", encoding="cp1252")
    assert sheet_of(path).samples[0][1] == words


def test_letters_of_the_east_are_not_taken_for_western_ones(written):
    path = written("Email;Name\na@example.com;Łukasz Wójcik\n", encoding="cp1250")
    assert sheet_of(path).samples[0][1] == "Łukasz Wójcik"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_that_does_not_say_so_is_read(written, encoding):
    book = look(written("Email;Name\na@example.com;Åsa\n", encoding=encoding))
    assert book.sheets[0].samples == [["a@example.com", "Åsa"]]
    assert not book.encoding_is_certain


def test_a_row_further_down_that_proves_how_days_are_written_is_a_sample(written):
    lines = "".join(f"a{n}@example.com,3/{n}/2026\n" for n in range(1, 20))
    sheet = sheet_of(written(f"Email,Date added\n{lines}"))
    assert (len(sheet.samples), sheet.samples[-1][1]) == (6, "3/13/2026")
    assert guess(sheet.headers, sheet.samples).date_order == "mdy"


def test_an_encoding_that_a_person_chose_is_used_or_refused_with_its_name(written):
    path = written(b"Name,Email\nSi\xe2n,sian@example.org\n")
    assert sheet_of(path, encoding="cp850").samples[0][0] == "SiÔn"
    assert "utf-8" in refusal(path, encoding="utf-8")
    assert "no-such" in refusal(path, encoding="no-such")


def test_headings_are_found_under_titles_notes_and_blank_lines(written):
    text = 'Citizens panel,,\n"Exported: 03/11/2016",,\n\nE-mail address,Name,Postcode\n'
    path = written(text + "a@example.org,Ann,CF10\nb@example.org,Bob,CF11\n")
    assert sheet_of(path).header_row == 4
    assert [number for number, _ in read(path)] == [5, 6]


def test_headings_are_found_under_a_row_of_groups_and_above_a_row_of_units(written):
    groups = "Person,Person,Consent,Consent\n"
    names = "Email address,Full name,May we write?,Date asked\n"
    units = "(text),(text),(yes or no),(day/month/year)\n"
    path = written(groups + names + units + "a@example.org,Ann,yes,01/02/2016\n" * 3)
    assert sheet_of(path).header_row == 2


def test_a_list_without_headings_loses_no_row(written):
    path = written("a@example.org,Ann\nb@example.org,Bob\n")
    sheet = sheet_of(path)
    assert (sheet.header_row, sheet.headers) == (None, [])
    assert [number for number, _ in read(path)] == [1, 2]


def test_every_row_is_as_wide_as_the_sheet_and_blank_rows_are_left_out(written):
    path = written("Email,Name\na@example.org\n\n , \nb@example.org,Bob,extra\n")
    assert sheet_of(path).headers == ["Email", "Name", ""]
    assert read(path) == [
        (2, ["a@example.org", "", ""]),
        (5, ["b@example.org", "Bob", "extra"]),
    ]


def test_a_cell_may_hold_delimiters_quotes_and_lines(written):
    path = written('Email,Notes\r\na@example.org,"one, ""two""\r\nthree"\r\n')
    assert read(path) == [(2, ["a@example.org", 'one, "two"\r\nthree'])]


def test_reading_goes_on_from_a_row(written):
    path = written("Email\n" + "".join(f"p{number}@example.org\n" for number in range(1200)))
    assert read(path, start=1200) == [
        (1200, ["p1198@example.org"]),
        (1201, ["p1199@example.org"]),
    ]


def test_cells_of_a_workbook_become_the_words_that_a_person_sees(workbook):
    day, noon = datetime.datetime(2016, 2, 1), datetime.datetime(2016, 2, 1, 12, 30)
    path = workbook(["Email", "B", "C", "D", "E", "F"], ["a@b.org", 15.0, day, noon, True, None])
    assert read(path) == [(2, ["a@b.org", "15", "2016-02-01", "2016-02-01 12:30:00", "TRUE", ""])]
    assert sheet_of(path).headers == ["Email", "B", "C", "D", "E", "F"]


def test_rows_and_columns_count_from_the_corner_of_the_sheet(workbook):
    path = workbook([], [], [None, "Email"], [None, "a@example.org"])
    assert sheet_of(path).header_row == 3
    assert read(path) == [(4, ["", "a@example.org"])]


def test_hidden_rows_and_columns_are_named_and_may_be_left_out(workbook):
    def hide(sheet):
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["B"].hidden = True

    path = workbook(["Email", "Born"], ["a@b.org", 1], ["c@d.org", 2], ["e@f.org", 3], dress=hide)
    assert (sheet_of(path).hidden_rows, sheet_of(path).hidden_columns) == ([3], [1])
    assert [number for number, _ in read(path)] == [2, 3, 4]
    assert [number for number, _ in read(path, skip_hidden_rows=True)] == [2, 4]


def test_all_sheets_are_offered_and_hidden_ones_marked(workbook):
    def more(sheet):
        second = sheet.parent.create_sheet("Gone")
        second.append(["Email"])
        second.sheet_state = "hidden"

    found = look(workbook(["Email"], ["a@b.org"], dress=more)).sheets
    assert [(sheet.name, sheet.is_hidden) for sheet in found] == [("Sheet", False), ("Gone", True)]


def test_hidden_rows_and_columns_of_an_open_document_are_named(tmp_path):
    names = " ".join(
        f'xmlns:{key}="urn:oasis:names:tc:opendocument:xmlns:{key}:1.0"'
        for key in ("office", "table", "text")
    )
    cell = '<table:table-cell office:value-type="string"><text:p>word</text:p></table:table-cell>'
    row = f"<table:table-row>{cell * 3}</table:table-row>"
    gone = row.replace("-row>", '-row table:visibility="filter">', 1)
    column = '<table:table-column table:visibility="collapse"/>'
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet>"
            f'<table:table table:name="S"><table:table-column/>{column}{row}{gone}{row}'
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    sheet = sheet_of(tmp_path / "a.ods")
    assert (sheet.rows, sheet.hidden_rows, sheet.hidden_columns) == (3, [2], [1])


def test_a_sheet_with_headings_alone_says_so(written):
    assert sheet_of(written("Email,Name\n")).notes == ["There are no rows below the headings."]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"\xef\xbb\xbf\n ,,\n", "empty"),
        ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not a spreadsheet"),
        ("a.csv", b"%PDF-1.7 ...", "not a spreadsheet"),
        ("a.csv", b"Email\n" + bytes(range(1, 32)) * 99, "not a spreadsheet"),
        ("a.xls", b"<html><table><tr><td>a</td></tr></table>", "web page"),
        ("a.xls", PEOPLE.encode(), "ends in .xls"),
        ("a.csv", OLE + b"x" * 600, "ends in .csv"),
        ("a.xls", OLE + b"x" * 600, "damaged"),
        ("a.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), "password"),
        ("a.xlsx", b"PK\x03\x04 and then nothing", "damaged"),
        ("a.pdf", PEOPLE.encode(), "must end in .csv"),
        ("a.csv", b",".join(b"c%d" % number for number in range(10**5)), "200 columns"),
        ("a.csv", b"Email\na@b.org\n" + b"x" * 40_000, "row 3"),
        ("a.csv", b'Email,Name\na@b.org,"Ann\nc@d.org,Cy\n', "row 2 is never closed"),
    ],
)
def test_what_is_no_list_is_refused_in_a_sentence(written, name, content, says):
    assert says in refusal(written(content, name))


def test_an_open_document_behind_a_password_says_so(tmp_path):
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.xml", b"\x8f\x02" * 99)
        archive.writestr("META-INF/manifest.xml", "<manifest:encryption-data/>")
    assert "password" in refusal(path)


def test_formulas_without_a_result_are_counted(workbook):
    path = workbook(["Email", "Consent"], ["a@example.org", '=IF(1,"N","Y")'])
    assert "read as empty: 1." in sheet_of(path).notes[0]


def test_characters_that_no_text_can_hold_are_left_out_and_counted(written):
    path = written(b"Email,Name\na\0@example.org,A\0nn\n")
    assert read(path) == [(2, ["a@example.org", "Ann"])]
    assert sheet_of(path).notes == ["Characters that no text can hold were left out: 2."]


def test_too_many_bytes_or_rows_are_refused_before_the_first_row(written):
    path = written("Email\n" + "a@example.org\n" * 60)
    assert "larger than" in refusal(path, limits=Limits(max_bytes=100))
    assert "more than 59 rows" in refusal(path, limits=Limits(max_rows=59))
    assert sheet_of(path, limits=Limits(max_rows=60)).rows == 61
    with pytest.raises(SheetRefused, match="more than 5 rows"):
        next(rows(path, filename="a.csv", sheet="", header_row=1, limits=Limits(max_rows=5)))


def test_a_workbook_that_unpacks_to_more_than_allowed_is_refused(tmp_path):
    path = workbooks.raw(tmp_path / "a.xlsx", "<row/>" * 10**6)
    assert path.stat().st_size < 10**5
    assert "unpacked" in refusal(path, limits=Limits(max_unpacked=10**6))


def test_a_workbook_that_lies_about_its_size_is_refused(tmp_path):
    path = workbooks.raw(tmp_path / "a.xlsx", "<row/>" * 10**6)
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")  # the last member in the directory: the sheet
    data[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    path.write_bytes(data)
    assert "damaged" in refusal(path)


def test_a_workbook_of_too_many_members_is_refused(tmp_path):
    path = workbooks.raw(tmp_path / "a.xlsx", "<row/>")
    assert "unpacked" in refusal(path, limits=Limits(max_members=5))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_workbook_that_defines_entities_is_refused(tmp_path, encoding):
    path = workbooks.raw(tmp_path / "a.xlsx", "<row/>")
    with zipfile.ZipFile(path, "a") as archive:
        text = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><a>&b;</a>'
        archive.writestr("xl/styles.xml", text.encode(encoding))
    assert "entities" in refusal(path)


@pytest.mark.parametrize(
    "body",
    [
        '<row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        ("<row>" + '<c t="s"><v>0</v></c>' * 100 + "</row>") * 300,
    ],
    ids=["two cells far apart", "one long text many times"],
)
def test_a_workbook_that_eats_memory_takes_only_the_reader_along(tmp_path, body):
    strings = f"<si><t>{'x' * 30_000}</t></si>"
    path = workbooks.raw(tmp_path / "a.xlsx", body, strings=strings)
    assert "more memory" in refusal(path, limits=Limits(memory=200 * 2**20))


def test_reading_that_takes_too_long_is_stopped(written):
    assert "took too long" in refusal(written(PEOPLE), limits=Limits(seconds=0))


def test_a_sheet_that_is_not_there_is_refused_by_name(workbook):
    path = workbook(["Email"], ["a@example.org"])
    with pytest.raises(SheetRefused, match="“Other”"):
        next(rows(path, filename=path.name, sheet="Other", header_row=1))


def test_the_reader_knows_no_django_and_none_of_the_secrets(monkeypatch, written):
    code = "import wagtail_engagement.imports.reading, sys; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    started = []
    monkeypatch.setenv("DATABASE_URL", "secret")
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *args, **given: started.append(given) or popen(*args, **given)
    )
    look(written(PEOPLE))
    assert "secret" not in started[0]["env"].values()


@pytest.mark.outside
def test_both_contact_sheets_read_as_a_careful_person_reads_them(outside_data):
    folder = outside_data / "contacts"
    gold = json.loads((folder / "gold.json").read_text())["files"]
    panel, events = "Residents panel 2016 (FINAL v2).csv", "Events sign-up sheets.xlsx"
    found = look(folder / panel)
    assert (found.encoding, found.delimiter) == (gold[panel]["encoding"], gold[panel]["delimiter"])
    assert found.sheets[0].header_row == gold[panel]["header_row"]
    data = gold[panel]["data_rows"] + gold[panel]["footer_rows"]
    assert len(read(folder / panel)) == data
    summer = look(folder / events).sheets[1]
    assert (summer.name, summer.header_row) == (gold[events]["sheet"], gold[events]["header_row"])
    assert summer.hidden_columns == [3]
    given = {"sheet": summer.name, "header_row": summer.header_row}
    assert len(read(folder / events, **given)) == gold[events]["data_rows"]


@pytest.mark.outside
def test_every_outside_file_ends_in_the_sheets_that_others_see_or_a_sentence(outside_data):
    folder = outside_data / "spreadsheets"
    refused = []
    for entry in json.loads((folder / "manifest.json").read_text()):
        try:
            found = look(folder / entry["file"])
        except SheetRefused:
            refused.append(entry["file"])
            continue
        ours = [(sheet.name, sheet.columns) for sheet in found.sheets]
        theirs = [(sheet["name"], sheet["cols"]) for sheet in entry.get("calamine", [])]
        assert found.kind == "csv" or ours == theirs, entry["file"]
    assert refused == ["frictionless-py__empty.csv", "csvkit__empty.csv"]
