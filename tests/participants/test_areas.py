"""Wards and postcodes: from the council's own file to an area, and what is left out of it."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from wagtail.models import ModelLogEntry

from tests import factories
from tests.participants.post import HANDLE, open_link
from wagtail_engagement.consent.queries import current_wordings
from wagtail_engagement.models import Area, Participant, Postcode
from wagtail_engagement.pages.models import ConsultationPage
from wagtail_engagement.participants import areas

pytestmark = pytest.mark.django_db
FILE = b"Postcode,Ward,Ward code\nBN1 1AA,Hill,E05000001\nbn11ab,Vale,E05000002\n"


def load(content=FILE):
    return areas.load(io.BytesIO(content))


@pytest.mark.parametrize("typed", ["BN1 1AA", "bn11aa", " Bn1  1aA ", "BN1-1AA"])
def test_a_postcode_in_any_spelling_finds_its_area(typed):
    load()
    assert areas.area_of(typed) == "Hill"


@pytest.mark.parametrize("typed", ["", "BN1", "ZZ99 9ZZ", "BN1 1AAA", "'; drop table"])
def test_what_is_no_postcode_of_ours_has_no_area(typed):
    load()
    assert areas.area_of(typed) == ""


def test_an_o_that_should_be_a_nought_is_read_as_one():
    load(b"postcode,area\nBN1 0AA,Hill\n")
    assert areas.area_of("BN1 OAA") == "Hill"


@pytest.mark.parametrize(
    "content",
    [
        "pcds;wd24nm;wd24cd\nBN1 1AA;Hill;E05\n",
        "Area\tPost code\nHill\tBN1 1AA\n",
        "\ufeffName,Code,Postcode\nHill,E05,BN1 1AA\n",
    ],
)
def test_columns_are_found_under_the_names_that_councils_use(content):
    load(content.encode())
    assert areas.area_of("BN1 1AA") == "Hill"


def test_a_file_of_areas_alone_is_enough():
    load("Ward\nHill\nPlas-y-Môr\n".encode("cp1252"))
    assert areas.names() == ["Hill", "Plas-y-Môr"]


def test_loading_again_corrects_and_adds_and_takes_nothing_away():
    load()
    found = load(b"Postcode,Ward\nBN1 1AA,VALE\nBN1 1AC,Dale\n")
    assert (found.areas, areas.names()) == (1, ["Dale", "Hill", "Vale"])
    assert areas.area_of("BN1 1AA") == "Vale"
    assert Postcode.objects.count() == 3


def test_rows_that_cannot_be_used_are_told_one_by_one():
    found = load(b"Postcode,Ward\nBN1 1AA,Hill\nnonsense,Hill\nBN1 1AB,\n\n")
    assert [(row.number, row.value) for row in found.shown] == [(3, "nonsense"), (4, "BN1 1AB")]
    assert (found.postcodes, found.left_out) == (1, 2)


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n\0\0", b"Postcode,Colour\nBN1 1AA,red\n"]
)
def test_a_file_without_areas_is_refused_with_what_to_do(content):
    with pytest.raises(areas.FileRefused, match="Ward|Save the sheet as CSV"):
        load(content)
    assert not Area.objects.exists()


def test_a_large_file_takes_the_same_statements_a_thousand_rows(django_assert_max_num_queries):
    rows = "\n".join(
        f"BN{n // 1000} {n // 100 % 10}{chr(65 + n % 26)}{chr(65 + n % 25)},W{n % 9}"
        for n in range(9000)
    )
    with django_assert_max_num_queries(60):
        load(f"Postcode,Ward\n{rows}".encode())


def test_the_command_loads_a_file_and_names_what_it_left_out(tmp_path, capsys):
    path = tmp_path / "wards.csv"
    path.write_bytes(FILE + b"nonsense,Hill\n")
    call_command("engagement_areas", path)
    out, err = capsys.readouterr()
    assert "2 new areas, 2 postcodes, 1 rows left out" in out
    assert "Row 4: nonsense" in err


def test_the_command_says_why_it_cannot_read_a_file(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("engagement_areas", tmp_path / "missing.csv")


# On screen

LOAD = "/admin/engagement/areas/load/"


@pytest.fixture
def staff():
    client = Client()
    client.force_login(factories.UserFactory(superuser=True))
    return client


def upload(client, content):
    return client.post(LOAD, {"file": SimpleUploadedFile("wards.csv", content)}).text


def test_staff_load_a_file_and_read_what_was_left_out(staff):
    page = upload(staff, FILE + b"nonsense,Hill\n")
    assert "1 row was left out" in page and "This is not a UK postcode" in page
    assert "Hill" in staff.get("/admin/engagement/areas/").text
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.areas_loaded")
    assert entry.data == {"areas": 2, "postcodes": 2, "left_out": 1}


@pytest.mark.parametrize("content", [b"Colour\nred\n", b"\0\0\0", b"x"])
def test_a_file_that_cannot_be_used_is_answered_beside_its_field(staff, content):
    assert "error-message" in upload(staff, content)


def test_a_file_above_the_limit_is_for_the_command(staff, settings):
    settings.WAGTAIL_ENGAGEMENT_IMPORT_BYTES = 10
    assert "command engagement_areas" in upload(staff, FILE)


def test_the_listing_filters_by_area(staff):
    load()
    here = factories.ParticipantFactory(area="Hill")
    factories.ParticipantFactory(area="Vale")
    found = staff.get("/admin/engagement/participants/", {"area": "Hill"})
    assert list(found.context["object_list"]) == [here]


def test_a_page_offers_areas_where_they_are_known_and_keeps_what_was_typed():
    form = ConsultationPage.get_edit_handler().get_form_class()
    free = form(instance=ConsultationPage(area="Old town")).fields["area"]
    load()
    known = form(instance=ConsultationPage(area="Old town")).fields["area"]
    assert not hasattr(free, "choices")
    assert [value for value, _label in known.choices] == ["", "Hill", "Old town", "Vale"]


def choices_with(client, link_to, postcode):
    page = open_link(client, link_to("choices"))
    form = {
        "handle": HANDLE.search(page.text).group(1),
        "wording": current_wordings("en")["invite"].pk,
        "invite": "on",
        "postcode": postcode,
    }
    return client.post("/engagement/choices/", form, follow=True).text


def test_people_give_a_postcode_and_only_its_area_is_kept(client, person, link_to):
    load()
    choices_with(client, link_to, "bn1 1aa")
    person.refresh_from_db()
    assert person.area == "Hill"
    assert "BN1" not in str(Participant.objects.values().get())
    assert "Hill" not in open_link(client, link_to("choices")).text


@pytest.mark.parametrize(
    ("typed", "said"), [("BN1", "full UK postcode"), ("ZZ1 1ZZ", "do not know")]
)
def test_a_postcode_that_leads_nowhere_says_what_to_do(client, person, link_to, typed, said):
    load()
    assert said in choices_with(client, link_to, typed)
    person.refresh_from_db()
    assert person.area == ""


def test_a_site_without_areas_asks_for_no_postcode(client, person, link_to):
    assert "postcode" not in open_link(client, link_to("choices")).text
