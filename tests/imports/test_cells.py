import datetime
import json
import time

import pytest

from wagtail_engagement.imports import cells
from wagtail_engagement.imports.columns import pieces

TERMS = (
    "Climate|Climate emergency|climate change|Housing|Libraries|library|Libraries/culture|Parks|"
    "parks and green spaces|Planning|Planning, development|Schools|education|Transport|buses|"
    "Transport & travel|Waste & recycling|Waste/recycling|bins"
).split("|")


def known(text):
    folded = [" ".join(term.casefold().split()) for term in TERMS]
    wanted = " ".join(text.casefold().split())
    return folded.index(wanted) if wanted in folded else None


@pytest.mark.parametrize(
    "typed",
    [
        "ann@example.org",
        "mailto:ann@example.org",
        "MAILTO:ann@example.org?subject=Hello",
        "<ann@example.org>",
        "Ann Lee <ann@example.org>",
        '"Lee, Ann" <ann@example.org>;',
        " ann@example.org ",
        "ann@example.org;",
        "ann@example.org.",
        "'ann@example.org'",
        "(ann@example.org)",
        "ann@example.org <mailto:ann@example.org>",
        "ann@example.org; ANN@example.org",
        "\u200bann@example.org\xa0",
    ],
)
def test_an_address_is_read_out_of_what_surrounds_it(typed):
    assert cells.address(typed) == ("ann@example.org", "")


@pytest.mark.parametrize("typed", ["", "  ", "-", "n/a", "None", "anonymous", "no email"])
def test_a_missing_address_is_no_error(typed):
    assert cells.address(typed) == ("", "")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("see notes", "not an email address"),
        ("tel only", "not an email address"),
        ("a b@example.org", "space"),
        ("Ann Lee ann@example.org", "space"),
        ("@", "correct format"),
        ("ann@", "correct format"),
        ("ann@example", "correct format"),
        ("ann@example.org; bob@example.org", "row of its own"),
        ("ann@example.org / bob@example.org", "row of its own"),
        ("Ann <ann@example.org>, Bob <bob@example.org>", "row of its own"),
        ("jürgen@example.org", "accents"),
    ],
)
def test_a_text_that_is_no_address_is_refused_without_being_repeated(typed, words):
    address, error = cells.address(typed)
    assert address == ""
    assert words in error
    assert typed not in error.replace("@ sign", "") or typed == "@"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("BLAKE, Bailey", "Bailey Blake"),
        ("LIAPIS, Bejnamin", "Bejnamin Liapis"),
        ("BAILEY BLAKE", "Bailey Blake"),
        ("Sachin CONNERTY", "Sachin Connerty"),
        ("Amiet (Cllr)", "Amiet"),
        ("Cllr. Carla Amiet", "Carla Amiet"),
        ("Mr & Mrs Smith", "Mr & Mrs Smith"),
        ("Fiona McDonald", "Fiona McDonald"),
        ("FIONA MCDONALD", "Fiona McDonald"),
        ("VINCENT VAN DER BERG", "Vincent van der Berg"),
        ("SIOBHAN O'BRIEN-JONES", "Siobhan O'Brien-Jones"),
        ("Ann Lee, MBE", "Ann Lee, MBE"),
        ("TJ Holdwnby", "TJ Holdwnby"),
        ("JO LI", "Jo Li"),
        (" Morrison ", "Morrison"),
        ("bell hooks", "bell hooks"),
        ("n/a", ""),
    ],
)
def test_a_name_is_in_reading_order_and_not_shouted(typed, name):
    assert cells.person_name(typed) == name


@pytest.mark.parametrize(
    "typed", ["BN1 1AA", "bn11aa", " bn1-1aa ", "B N 1 1 A A", "BN1.1AA", "(BN1 1AA)", "BN1 1aa."]
)
def test_a_postcode_is_read_in_any_spelling(typed):
    assert cells.postcode(typed) == "BN1 1AA"


@pytest.mark.parametrize(
    "typed", ["SW1A 2AA", "M1 1AE", "GIR 0AA", "EC1A 1BB", "W1T 3NL", "CF10 4UW"]
)
def test_every_shape_of_postcode_is_known(typed):
    assert cells.postcode(typed.replace(" ", "").lower()) == typed


@pytest.mark.parametrize("typed", ["2323", "BN1", "12345", "1012 AB", "BN1 1A", "QQ1 1AA", "x"])
def test_what_is_no_british_postcode_is_left_out(typed):
    assert cells.postcode(typed) == ""


IN = "yes|Y|TRUE|1|ja|Yes please|Yes, please!|ticked|x|subscribed|opted in|consented|✓"
OUT = "no|N|false|0|No thanks|opted out|Unsubscribed|cleaned|bounced|do not contact|DO NOT EMAIL"
UNKNOWN = "?|unknown|tbc|TBC.|not sure|nonsubscribed|pending"
SILENT = "|None|n/a|-|N/A"
UNCLEAR = "see Jane|yes but only by post|2|42401|call first"


@pytest.mark.parametrize(
    ("meaning", "words"),
    [("in", IN), ("out", OUT), ("unknown", UNKNOWN), ("", SILENT), ("unclear", UNCLEAR)],
)
def test_words_of_permission_are_understood_or_left_to_a_person(meaning, words):
    read = {word: cells.permission(word, polarity="in") for word in words.split("|")}
    assert read == dict.fromkeys(words.split("|"), meaning)


@pytest.mark.parametrize("word", ["yes", "1", "x", "2019-04-01 10:00:00", "opted out", "no thanks"])
def test_yes_or_a_day_in_an_opt_out_column_means_out(word):
    assert cells.permission(word, polarity="out") == "out"


def test_an_opt_out_box_left_alone_is_not_consent():
    assert cells.permission("No", polarity="out") == ""
    assert cells.permission("No", polarity="out", left_a_list=True) == "in"
    assert cells.permission("subscribed", polarity="out") == "in"


def test_the_words_of_one_sheet_for_yes_can_be_told():
    assert cells.permission("Keep me posted", polarity="in") == "unclear"
    assert cells.permission("Keep me posted", polarity="in", yes=["keep me posted"]) == "in"


@pytest.mark.parametrize(
    "typed",
    [
        "01/02/2016",
        "1.2.2016",
        "1-2-16",
        "1 Feb 16",
        "1st February 2016",
        "Monday, 1 February 2016",
        "Feb 1, 2016",
        "2016-02-01",
        "2016-02-01T09:12:00Z",
        "2016/02/01 7:01:33 PM GMT+2",
        "20160201",
        "42401",
        "42401.5",
        "01/02/2016 09:12",
        "1 Chwefror 2016",
        "1. februar 2016",
    ],
)
def test_a_day_is_read_in_the_usual_spellings(typed):
    assert cells.date(typed, order="dmy") == datetime.date(2016, 2, 1)


@pytest.mark.parametrize(
    "typed", ["31/11/2016", "02/13/2016", "2016", "soon", "00/00/0000", "1899-12-30"]
)
def test_a_day_that_does_not_exist_is_not_turned_into_another(typed):
    assert cells.date(typed, order="dmy") is None


def test_the_order_of_day_and_month_is_proved_by_the_samples_or_day_first():
    assert cells.order_of(["01/02/2016", "02/13/2016"]) == "mdy"
    assert cells.order_of(["01/02/2016", "13/02/2016"]) == "dmy"
    assert cells.order_of(["01/02/2016"]) == "dmy"
    assert cells.order_of(["2016-02-01", "2016-12-31"]) == "ymd"
    assert cells.date("02/13/16", order="mdy") == datetime.date(2016, 2, 13)
    assert cells.date("16-02-13", order="ymd") == datetime.date(2016, 2, 13)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Planning, development\nclimate change", ["Planning, development", "climate change"]),
        ("Schools/Libraries/culture/buses", ["Schools", "Libraries/culture", "buses"]),
        ("Parks + housing + Climate emergency", ["Parks", "housing", "Climate emergency"]),
        ('"Parks","Housing"', ["Parks", "Housing"]),
        ("Parks | parks ;PARKS", ["Parks"]),
        ("LGBT+, Parks", ["LGBT+", "Parks"]),
        ("Waste & recycling", ["Waste & recycling"]),
        ("None", []),
        (" , ; ", []),
    ],
)
def test_interests_are_read_one_by_one_and_known_terms_stay_whole(typed, expected):
    assert pieces(typed, known) == expected


def test_without_a_vocabulary_every_separator_separates():
    assert pieces("Waste/recycling; Parks, Housing") == ["Waste", "recycling", "Parks", "Housing"]


@pytest.mark.outside
def test_every_interest_of_the_two_old_sheets_is_one_piece(outside_data):
    gold = json.loads((outside_data / "contacts/gold.json").read_text())
    read = {row["topics_raw"]: pieces(row["topics_raw"], known) for row in gold["rows"]}
    topics = {row["topics_raw"]: len(row["topics"]) for row in gold["rows"]}
    assert {raw: len(found) for raw, found in read.items()} == topics
    assert [piece for found in read.values() for piece in found if known(piece) is None] == []


@pytest.mark.parametrize("sign", ["a", "(", " ", ",", "@", "+", "<", "1/", "mr ", "1 "])
def test_a_cell_as_long_as_a_cell_can_be_is_read_at_once(sign):
    text = (sign * 32_767)[:32_767]
    began = time.monotonic()
    cells.address(text), cells.person_name(text), cells.postcode(text), pieces(text, known)
    cells.permission(text, polarity="in"), cells.date(text, order="dmy")
    assert time.monotonic() - began < 2
