import csv
import datetime
import json

import openpyxl
import pytest

from wagtail_engagement.imports.columns import Field, Mapping, MappingRefused, guess, read_row

TODAY = datetime.date(2026, 11, 23)
HEADERS = ["Name", "E-mail", "Postcode", "Interests", "OK to contact?", "Date added"]
ROW = ["LEE, Ann", "ann@example.org", "bn11aa", "Parks; Housing", "Y", "01/02/2016"]
PARTS = {
    "email": Field.EMAIL,
    "full_name": Field.NAME,
    "given_name": Field.GIVEN_NAME,
    "family_name": Field.FAMILY_NAME,
    "consent_or_state": Field.PERMISSION,
    "tags": Field.INTERESTS,
    "date": Field.DATE,
}
# What other systems export: heading, with the field where it is to be stored.
LAYOUTS = {
    "Mailchimp, subscribed": (
        "Email Address=email|First Name=given_name|Last Name=family_name|Address|Phone Number|"
        "Birthday|MEMBER_RATING|OPTIN_TIME=date|OPTIN_IP|CONFIRM_TIME|CONFIRM_IP|LATITUDE|"
        "LONGITUDE|GMTOFF|DSTOFF|TIMEZONE|CC|REGION|LAST_CHANGED|LEID|EUID|NOTES=notes|TAGS=interests"
    ),
    "Mailchimp, unsubscribed": (
        "Email Address=email|First Name=given_name|Last Name=family_name|OPTIN_TIME=date|OPTIN_IP|"
        "UNSUB_TIME=permission|UNSUB_CAMPAIGN_TITLE|UNSUB_CAMPAIGN_ID|UNSUB_REASON|"
        "UNSUB_REASON_OTHER|LEID|EUID|NOTES=notes|TAGS=interests"
    ),
    "Mailchimp, cleaned": (
        "Email Address=email|First Name=given_name|Last Name=family_name|OPTIN_TIME=date|"
        "CLEAN_TIME=permission|CLEAN_CAMPAIGN_TITLE|CLEAN_CAMPAIGN_ID|TAGS=interests"
    ),
    "Eventbrite": (
        "Order #|Order Date=date|First Name=given_name|Last Name=family_name|Email=email|Quantity|"
        "Price Tier|Ticket Type|Attendee #|Attendee Status|Event Name|Event Start Date|Checked In"
    ),
    "Google Forms": (
        "Timestamp=date|Email Address=email|What is your name?=name|Post code=postcode|"
        "Which topics interest you?=interests|May we email you about future consultations?=permission"
    ),
    "Microsoft Forms": (
        "ID|Start time|Completion time=date|Email|Name|Last modified time|Your full name=name|"
        "Your email address=email|Happy to be contacted?=permission"
    ),
    "EngagementHQ": (
        "Screen Name|Email=email|Joined=date|User Status|Subscribed=permission|Imported|"
        "Participant Tags=interests|What is your postcode?=postcode|Gender|Year of birth"
    ),
    "Citizen Space": (
        "Response ID|Date Submitted=date|What is your name? - Name=name|"
        "What is your email address? - Email=email|"
        "What is your organisation? - Organisation=organisation"
    ),
    "Decidim": "ID|Name=name|Nickname|Email=email|Created at=date|newsletter_notifications_at=permission",
    "CONSUL": "id|username|email=email|document_number|phone_number|newsletter=permission|created_at=date",
    "GOV.UK Forms": (
        "Submission reference|Submitted at=date|What’s your name? - First name=given_name|"
        "What’s your name? - Last name=family_name|What’s your email address?=email"
    ),
    "Outlook": (
        "Title|First Name=given_name|Middle Name|Last Name=family_name|Suffix|Company=organisation|"
        "Department|Job Title|Home Street|Home Postal Code=postcode|Home Phone|Birthday|"
        "Categories=interests|E-mail Address=email|E-mail Type|E-mail Display Name|E-mail 2 Address|"
        "Gender|Notes=notes"
    ),
    "Swedish": "Förnamn=given_name|Efternamn=family_name|E-postadress=email|Postnummer=postcode|Mobil|Samtycke=permission|Datum=date",
    "German": "Vorname=given_name|Nachname=family_name|E-Mail-Adresse=email|PLZ=postcode|Telefon|Einwilligung=permission|Geburtsdatum|Themen=interests",
    "French": "Nom=family_name|Prénom=given_name|Adresse e-mail=email|Code postal=postcode|Téléphone|Consentement=permission|Date de naissance",
    "Welsh": "Enw=name|E-bost=email|Cod post=postcode|Diddordebau=interests|Caniatâd=permission|Dyddiad=date",
    "Dutch": "Voornaam=given_name|Achternaam=family_name|E-mailadres=email|Toestemming=permission",
    "by hand": (
        "Forename(s)=given_name|Last name/Surname=family_name|Email 1=email|Email 2|Ward=area|"
        "Interested in=interests|GDPR consent given (Y/N)=permission|Do NOT contact=permission|DOB"
    ),
    "a paper form": (
        "Name\n(capitals)=name|Contact email address=email|Mobile|Born|Topics of interest=interests|"
        "Mailing list?=permission|Happy to be contacted by phone?|Photo consent|Date of event"
    ),
}


SAMPLES = {"email": "ann@example.org", "name": "Ann Lee", "date": "2026-05-01 10:00"}


def named(headers, mapping):
    return {headers[index]: str(value) for index, value in mapping.fields.items()}


def read(cells, mapping=None, headers=HEADERS, **more):
    return read_row(cells, mapping or guess(headers, [cells]), headers, today=TODAY, **more)


@pytest.mark.parametrize("system", LAYOUTS)
def test_the_columns_of_other_systems_are_known(system):
    columns = [column.partition("=") for column in LAYOUTS[system].split("|")]
    headers = [header for header, _sign, _field in columns]
    row = [SAMPLES.get(field, "") for _header, _sign, field in columns]
    expected = {header: field for header, _sign, field in columns if field}
    assert named(headers, guess(headers, [row])) == expected
    if system != "Microsoft Forms":  # there the rows tell which of two is the address
        assert named(headers, guess(headers, [])) == expected


@pytest.mark.outside
def test_every_collected_layout_is_guessed_as_expected(outside_data):
    layouts = json.loads((outside_data / "export_headers/export_headers.json").read_text())
    for layout in layouts:
        found = guess(layout["headers"], [layout["row"]])
        where = {value: layout["headers"][index] for index, value in found.fields.items()}
        assert {part: where.get(field) for part, field in PARTS.items()} == layout["expect"]


@pytest.mark.parametrize(
    ("heading", "polarity"),
    [
        ("OK to contact?", "in"),
        ("Subscribed", "in"),
        ("Marketing consent", "in"),
        ("Member status", "in"),
        ("Can we email you?", "in"),
        ("I would like to receive updates", "in"),
        ("Opt-in", "in"),
        ("Unsubscribed", "out"),
        ("Opted out", "out"),
        ("Opt-out?", "out"),
        ("Do not email", "out"),
        ("Do NOT contact", "out"),
        ("Please don’t send me emails", "out"),
        ("UNSUB_TIME", "out"),
        ("No further contact", "out"),
        ("Tick if you do not wish to be contacted", "out"),
        ("I do not want to receive emails", "out"),
        ("I would rather not be emailed", "out"),
        ("Unsubscribe date", "out"),
    ],
)
def test_the_heading_tells_what_yes_means(heading, polarity):
    found = guess(["Email", heading], [])
    assert found.fields == {0: "email", 1: "permission"}
    assert found.polarity == polarity


@pytest.mark.parametrize(
    "heading",
    [
        "OPTIN_IP",
        "LATITUDE",
        "Birthday",
        "Date of birth",
        "DOB",
        "Phone",
        "Attendee Status",
        "Checked In",
        "User Status",
        "Event Name",
        "User name",
        "Parent's email",
        "Consent to photos",
        "I accept the terms and conditions",
        "May we call you?",
        "How did you hear about us?",
        "Last changed",
        "Gender",
        "Conflict of interest",
    ],
)
def test_a_column_that_nobody_asked_for_is_not_matched(heading):
    assert guess(["Email", heading], [["a@example.org", "1990-01-01"]]).fields == {0: "email"}


def test_hidden_columns_are_never_matched():
    assert guess(["Email", "Name", "Postcode"], [], hidden_columns=[1]).fields == {
        0: "email",
        2: "postcode",
    }


def test_a_status_column_is_permission_only_where_its_cells_say_so():
    listed = guess(["Email", "Status"], [["a@example.org", "Subscribed"], ["", "cleaned"]])
    assert listed.fields == {0: "email", 1: "permission"}
    assert guess(["Email", "Status"], [["a@example.org", "Active"]]).fields == {0: "email"}


def test_addresses_are_found_below_a_heading_that_does_not_say_so():
    assert guess(["Who", "Reach at"], [["Ann", "ann@example.org"]]).fields == {1: "email"}


@pytest.mark.parametrize("heading", ["Consent date", "Date opted in", "Sign-up date", "Created_at"])
def test_a_day_of_agreeing_or_joining_is_the_date(heading):
    assert guess(["Email", heading], [["a@example.org", "1 May 2019"]]).fields[1] == "date"
    assert 1 not in guess(["Email", "Registered"], [["a@example.org", "in person"]]).fields


def test_the_date_that_says_most_about_permission_is_taken():
    headers = ["Email", "Order date", "Created at", "Timestamp", "Date added", "Consent date"]
    assert guess(headers, []).columns("date") == [5]
    assert guess(headers[:-1], []).columns("date") == [4]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("Name|Surname", "given_name|family_name"),
        ("Nom|Prénom", "family_name|given_name"),
        ("Full name|Surname", "name|"),
        ("Name|First name|Surname", "|given_name|family_name"),
    ],
)
def test_a_name_is_kept_whole_or_in_parts(headers, expected):
    headers = headers.split("|")
    found = guess(headers, []).fields
    assert [found.get(place, "") for place in range(len(headers))] == expected.split("|")


def test_the_order_of_dates_comes_from_the_samples():
    rows = [["a@example.org", "02/03/2016"], ["b@example.org", "02/29/2016"]]
    mapping = guess(["Email", "Date added"], rows)
    assert mapping.date_order == "mdy"
    assert read(rows[0], mapping, ["Email", "Date added"]).date == datetime.date(2016, 2, 3)


def test_a_row_becomes_values():
    row = read(ROW)
    assert (row.email, row.email_raw, row.error) == ("ann@example.org", "ann@example.org", "")
    assert (row.name, row.postcode, row.interests) == ("Ann Lee", "BN1 1AA", ["Parks", "Housing"])
    assert (row.permission, row.date) == ("in", datetime.date(2016, 2, 1))
    assert (row.kind, row.warnings, row.is_header, row.is_footer) == ("person", [], False, False)


def test_a_short_row_is_a_row():
    row = read(["Ann", "ann@example.org"], guess(HEADERS, [ROW]))
    assert (row.email, row.permission, row.interests) == ("ann@example.org", "unknown", [])


def test_what_cannot_be_read_is_left_out_with_a_warning():
    row = read(["Ann", "ann@example.org", "2323", "", "Y", "31/11/2016"])
    assert (row.postcode, row.date, len(row.warnings)) == ("", None, 2)
    late = read(["Ann", "ann@example.org", "", "", "Y", "01/02/2030"])
    assert late.date is None
    assert "future" in late.warnings[0]


def test_what_a_database_cannot_hold_is_taken_out():
    headers = ["Email", "Ward", "Notes", "Organisation"]
    row = read(
        ["an\x00n", "Hove\x00" + "x" * 200, "a\ud800b\nc", "Town\x00 Trust"], headers=headers
    )
    kept = row.email_raw + row.area + row.notes + row.organisation + row.name
    assert "\x00" not in kept
    assert row.notes == "a\ufffdb\nc"
    assert (len(row.area), len(row.warnings)) == (120, 1)


def test_a_wrong_address_names_its_column():
    row = read(["Ann", "a b@example.org"], guess(HEADERS, [ROW]))
    assert (row.email, row.email_raw, row.error_column) == ("", "a b@example.org", 1)
    assert "space" in row.error


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("Y", ""), "in"),
        (("Y", "N"), "out"),
        (("", "N"), "out"),
        (("Y", "ask Jane"), "unclear"),
        (("Y", "?"), "unknown"),
        (("", ""), "unknown"),
    ],
)
def test_of_two_permission_columns_the_stricter_wins(cells, expected):
    headers = ["Email", "OK to contact?", "OK to contact?"]
    assert read(["ann@example.org", *cells], headers=headers).permission == expected


def test_columns_of_opposite_polarity_are_each_read_their_own_way():
    headers = ["Email", "Consent", "Opted out"]
    assert guess(headers, []).opposite == (2,)
    assert read(["ann@example.org", "Yes", "No"], headers=headers).permission == "in"
    assert read(["ann@example.org", "Yes", "Yes"], headers=headers).permission == "out"
    assert read(["ann@example.org", "", "No"], headers=headers).permission == "unknown"


def test_an_organisation_is_its_own_kind():
    headers = ["Email", "Name", "Organisation", "Respondent type"]
    assert (
        read(["a@example.org", "", "Friends of Parks", ""], headers=headers).kind == "organisation"
    )
    assert read(["a@example.org", "Ann", "Friends of Parks", ""], headers=headers).kind == "person"
    told = read(["a@example.org", "Ann", "Town Trust", "Statutory consultee"], headers=headers)
    assert (told.kind, told.name) == ("organisation", "Town Trust")


def test_repeated_headings_and_last_lines_are_told_apart():
    assert read(HEADERS, guess(HEADERS, [ROW])).is_header
    for text in ("Total: 50", "End of list", "TOTAL", "50 rows", "Page 2 of 3"):
        row = read(["", text], guess(HEADERS, [ROW]))
        assert (row.is_footer, row.error) == (True, "")
    assert not read(["Total, Ann", "ann@example.org"], guess(HEADERS, [ROW])).is_footer


def test_a_mapping_survives_being_kept():
    mapping = guess(["Email", "Consent", "Opted out", "Date"], [["", "", "", "02/29/2016"]])
    assert Mapping.from_json(json.loads(json.dumps(mapping.to_json()))) == mapping


def test_a_mapping_names_columns_by_heading_or_number():
    told = {"fields": {"e-mail": "email", "4": "permission", "Name": "ignore"}, "polarity": "out"}
    found = Mapping.from_json(told, HEADERS)
    assert (found.fields, found.polarity) == ({1: "email", 4: "permission"}, "out")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([], "Name the columns"),
        ({"fields": {"Shoe size": "email"}}, "Its columns are: Name, E-mail"),
        ({"fields": {"9": "email"}}, "no column"),
        ({"fields": {"-1": "email"}}, "no column"),
        ({"fields": {"E-mail": "telephone"}}, "Choose one of: email, name"),
        ({"fields": {"E-mail": ["email"]}}, "Choose one of"),
        ({"fields": {"E-mail": "email"}, "date_order": "ydm"}, "dmy, mdy, ymd"),
        ({"fields": {"E-mail": "email"}, "date_order": ["dmy"]}, "dmy, mdy, ymd"),
        ({"fields": {"E-mail": "email"}, "polarity": "maybe"}, "in, out"),
        ({"fields": {"Name": "permission"}}, "Say what yes means"),
        ({"fields": {"E-mail": "email"}, "yes": "ja"}, "as a list"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_with_what_to_do(told, words):
    with pytest.raises(MappingRefused, match=words):
        Mapping.from_json(told, HEADERS)


def test_polarity_that_is_not_said_comes_from_the_heading():
    headers = ["Email", "Unsubscribed"]
    told = {"fields": {"Email": "email", "Unsubscribed": "permission"}}
    assert Mapping.from_json(told, headers).polarity == "out"


def old_sheets(outside_data):
    """Both sheets of the old contacts by row number, below their headings."""
    folder = outside_data / "contacts"
    panel = "Residents panel 2016 (FINAL v2).csv"
    with (folder / panel).open(encoding="cp1252", newline="") as file:
        lines = list(csv.reader(file, delimiter=";"))
    yield panel, dict(enumerate(lines, start=1))
    events = "Events sign-up sheets.xlsx"
    sheet = openpyxl.load_workbook(folder / events)["Summer fair 2018"]
    cells = [
        ["" if v is None else str(v) for v in row] for row in sheet.iter_rows(values_only=True)
    ]
    yield events, dict(enumerate(cells, start=1))


@pytest.mark.outside
def test_both_old_sheets_are_read_as_people_read_them(outside_data):
    gold = json.loads((outside_data / "contacts/gold.json").read_text())["rows"]
    for file, rows in old_sheets(outside_data):
        hidden = [3] if file.endswith("xlsx") else []
        mapping = guess(rows[4], [rows[5], rows[6], rows[7]], hidden)
        for wanted in (row for row in gold if row["file"] == file):
            found = read(rows[wanted["row"]], mapping, rows[4])
            assert found.email.lower() == (wanted["email"] or ""), wanted
            assert found.permission == wanted["consent"], wanted
            assert bool(found.error) == (wanted["kind"] == "no_valid_email"), wanted
            assert wanted["surname"].casefold() in found.name.casefold(), wanted
    assert read(
        list(dict(old_sheets(outside_data))[gold[0]["file"]].values())[-1], guess(HEADERS, [])
    ).is_footer


@pytest.mark.outside
def test_no_text_breaks_the_guess_or_a_row(outside_data):
    texts = json.loads((outside_data / "hostile/blns_open.json").read_text())
    texts += ["\x00", "\ud800", "²³", "٣/٤/٢٠١٦", "9" * 400, "=1+1", "99999-99-99", "1 xyz 99"]
    everything = dict.fromkeys(range(12), "") | dict(enumerate(list(Field)[:12]))
    for text in texts:
        guess([text] * 3, [[text] * 3], sheet=text)
        row = read([text] * 12, Mapping(everything, polarity="in"), ["Email"] * 12)
        assert not (row.email and row.error)
        assert len(row.name) <= 200
