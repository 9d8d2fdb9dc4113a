"""The import wizard, as people go through it."""

import csv
import io

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests import factories
from tests.site import DAY
from wagtail_engagement.models import (
    ContactPermission,
    ImportBatch,
    Interest,
    Participant,
    Suppression,
)

pytestmark = pytest.mark.django_db
SCREENS = "wagtail_engagement_imports"
SHEET = (
    "Exported: 3 November 2026\n\n"
    "Name,Email,Interests,OK to contact?,Notes\n"
    "Ann Lee,ann@example.org,Parks; Bins,Y,limps\n"
    "Bo Ray,bo@example.org,Parks,N,\n"
    "Cy Fox,cy@example.org,,ask her son,\n"
    "Di Orr,,Parks,Y,\n"
    "Ed Orr,see notes,,Y,\n"
)
AS_GUESSED = {"column_0": "name", "column_1": "email", "column_2": "interests"}
AS_GUESSED |= {"column_3": "permission", "column_4": "ignore", "date_order": "dmy"}


def at(name, *args):
    return reverse(f"{SCREENS}:{name}", args=args)


def told(**more):
    today = timezone.localdate()
    return {
        "source": "Residents panel, Parks team",
        "collected_from": (today - 90 * DAY).isoformat(),
        "collected_to": (today - 30 * DAY).isoformat(),
        "basis": "consent",
        "words": "Yes, write to me about other consultations.",
        "kind": "person",
        **more,
    }


def upload(client, text=SHEET, name="panel.csv", **more):
    files = [SimpleUploadedFile(name, text.encode())]
    client.post(at("upload"), {"sheets": files, **more})
    return ImportBatch.objects.latest("id")


def go_through(client, text=SHEET, **more):
    """Go through the wizard as far as the result, and return the batch."""
    batch = upload(client, text)
    client.post(at("columns", batch.pk), AS_GUESSED)
    form = client.get(at("words", batch.pk)).context["form"]
    client.post(at("words", batch.pk), {field.html_name: field.value() or "" for field in form})
    client.post(at("origin", batch.pk), told(**more))
    client.post(at("start", batch.pk), {"attested": "on"})
    call_command("engagement_work", once=True)
    batch.refresh_from_db()
    return batch


def test_a_sheet_goes_through_all_steps_into_the_register(staff):
    parks = Interest.objects.create(name="Parks", slug="parks")
    batch = go_through(staff)
    assert batch.status == "finished"
    ann = Participant.objects.get(email="ann@example.org")
    assert [link.interest for link in ann.interest_links.all()] == [parks]
    assert ContactPermission.objects.get(participant=ann, purpose="invite").may_write
    assert Suppression.objects.of_address("bo@example.org").exists()
    assert "limps" not in str(Participant.objects.values())
    answer = staff.get(at("show", batch.pk)).text
    assert "What came of it" in answer and "1 row has to be read by you" in answer
    assert "1 person here may be invited now." in answer
    assert "1 is on do not contact." in answer


def test_the_check_stores_nothing_and_its_outcomes_add_up_to_the_rows(staff):
    batch = upload(staff)
    staff.post(at("columns", batch.pk), AS_GUESSED)
    staff.post(at("origin", batch.pk), told())
    call_command("engagement_work", once=True)
    answer = staff.get(at("show", batch.pk))
    assert "Nothing is in the register yet" in answer.text
    assert "1 row says no: do not contact." in answer.text
    assert "1 person here could be invited." in answer.text
    assert f"Import {answer.context['goes_in']} people" in answer.text
    assert sum(number for _label, _means, number in answer.context["outcomes"]) == 5
    assert not Participant.objects.exists()


def test_the_headings_are_found_below_a_preamble_and_can_be_corrected(staff):
    batch = upload(staff)
    assert "headings in row 3" in staff.get(at("columns", batch.pk)).text
    other = staff.get(at("columns", batch.pk), {"header_row": 4})
    assert "headings in row 4" in other.text and "Bo Ray" in other.text


def test_the_sign_between_columns_is_shown_as_it_was_taken(staff):
    batch = upload(staff)
    assert "taken to be “comma ,”" in staff.get(at("columns", batch.pk)).text
    other = staff.get(at("columns", batch.pk), {"delimiter": ";"})
    assert "taken to be “comma ,”" not in other.text


def test_each_column_shows_samples_and_notes_are_not_stored_unless_chosen(staff):
    batch = upload(staff)
    form = staff.get(at("columns", batch.pk)).context["form"]
    chosen = {field.label: (field.initial, samples) for field, samples, _hidden in form.columns()}
    assert chosen["Email"] == ("email", ["ann@example.org", "bo@example.org", "cy@example.org"])
    assert chosen["Notes"][0] == "ignore"


def test_without_a_column_of_addresses_the_screen_says_what_to_do(staff):
    batch = upload(staff)
    answer = staff.post(at("columns", batch.pk), {**AS_GUESSED, "column_1": "ignore"})
    assert "Say which column holds the email addresses." in answer.text


def test_turning_round_what_yes_means_turns_round_who_may_be_written_to(staff):
    batch = upload(staff)
    staff.post(at("columns", batch.pk), AS_GUESSED)
    staff.post(at("words", batch.pk), {"polarity_3": "out", "again": "yes"})
    answer = staff.get(at("words", batch.pk))
    said = {
        word.text: word.means
        for _field, words in answer.context["form"].permissions()
        for word in words
    }
    assert (said["Y"], said["N"], said["ask her son"]) == ("out", "unknown", "unclear")


def test_each_word_for_an_interest_is_asked_about_with_a_proposal(staff):
    parks = Interest.objects.create(name="Parks and green spaces", slug="parks")
    batch = upload(staff)
    staff.post(at("columns", batch.pk), AS_GUESSED)
    form = staff.get(at("words", batch.pk)).context["form"]
    assert [(field.label, field.initial) for field, _rows in form.interests()] == [
        ("Parks", parks.pk),
        ("Bins", ""),
    ]


def test_nothing_starts_without_the_tick_of_who_attests(staff):
    batch = upload(staff)
    staff.post(at("columns", batch.pk), AS_GUESSED)
    staff.post(at("origin", batch.pk), told())
    call_command("engagement_work", once=True)
    answer = staff.post(at("start", batch.pk), follow=True)
    assert "Tick the box if what is said above is true." in answer.text
    assert ImportBatch.objects.get().status == "checked"


def test_a_second_sheet_with_the_same_headings_takes_two_forms(staff):
    go_through(staff)
    batch = upload(staff, SHEET.replace("ann@", "eve@"))
    assert "Same as last sheet" in staff.get(at("columns", batch.pk)).text
    staff.post(at("same", batch.pk))
    form = staff.get(at("origin", batch.pk)).context["form"]
    assert form.initial["source"] == "Residents panel, Parks team"


def test_a_sheet_can_be_parked_and_goes_on_later(staff):
    batch = upload(staff)
    staff.post(at("columns", batch.pk), AS_GUESSED)
    staff.post(at("park", batch.pk), {"waits_for": "evidence from Parks"})
    assert "It waits for: evidence from Parks" in staff.get(at("origin", batch.pk)).text
    staff.post(at("origin", batch.pk), told())
    call_command("engagement_work", once=True)
    assert ImportBatch.objects.get().status == "checked"


def test_a_row_that_nobody_could_read_is_decided_with_one_button(staff):
    batch = go_through(staff)
    [(row, values)] = staff.get(at("review", batch.pk)).context["rows"]
    assert "ask her son" in str(values)
    staff.post(at("decide", batch.pk, row.pk), {"decision": "out"})
    assert Suppression.objects.of_address("cy@example.org").exists()
    assert "No row waits for you" in staff.get(at("review", batch.pk)).text


def test_an_import_is_undone_as_one(staff):
    batch = go_through(staff)
    staff.post(at("undo", batch.pk))
    call_command("engagement_work", once=True)
    assert "is gone from the register" in staff.get(at("show", batch.pk)).text
    assert not Participant.objects.exists()


def test_the_report_has_every_row_that_is_no_good_and_no_formula(staff):
    batch = go_through(staff, SHEET.replace("see notes", "=HYPERLINK(1)"))
    answer = staff.get(at("report", batch.pk))
    rows = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    numbers = {row[0] for row in rows}
    assert {"7", "8"} <= numbers
    assert not [cell for row in rows for cell in row if cell.startswith("=")]


def test_a_file_above_the_limit_is_refused_with_a_sentence(staff, settings):
    settings.WAGTAIL_ENGAGEMENT_IMPORT_BYTES = 50
    answer = staff.post(at("upload"), {"sheets": [SimpleUploadedFile("big.csv", SHEET.encode())]})
    assert "“big.csv” is larger than 50" in answer.text
    assert not ImportBatch.objects.exists()


def test_a_picture_named_csv_is_refused_with_a_sentence_and_nothing_is_kept(staff):
    picture = SimpleUploadedFile("list.csv", b"\x89PNG\r\n\x1a\n" + bytes(99))
    answer = staff.post(at("upload"), {"sheets": [picture]})
    [sentence] = answer.context["form"].errors["sheets"]
    assert sentence.startswith("“list.csv” was not taken. ")
    assert not ImportBatch.objects.exists()


def test_without_a_worker_the_screen_says_so(staff):
    batch = upload(staff)
    ImportBatch.objects.update(status="running", rows_total=5, rows_done=2)
    answer = staff.get(at("show", batch.pk)).text
    assert "2 of 5 rows done" in answer
    assert "start engagement_work" in answer


def test_every_act_on_a_sheet_is_logged_without_an_address(staff):
    batch = go_through(staff)
    [(row, _values)] = staff.get(at("review", batch.pk)).context["rows"]
    staff.post(at("decide", batch.pk, row.pk), {"decision": "leave"})
    staff.get(at("report", batch.pk))
    staff.post(at("undo", batch.pk))
    staff.post(at("park", upload(staff).pk), {"waits_for": "evidence"})
    staff.post(at("discard", upload(staff).pk))
    entries = ModelLogEntry.objects.filter(action__startswith="wagtail_engagement.import_")
    done = {entry.action.partition("import_")[2] for entry in entries}
    acts = "received started rows_viewed row_decided report_downloaded undone parked discarded"
    assert done == set(acts.split())
    assert "@" not in str(list(entries.values())) and "panel" not in str(list(entries.values()))


def test_the_lists_compared_are_counted_and_not_kept(staff):
    files = [
        SimpleUploadedFile("a.csv", b"Email\nann@example.org\nbo@example.org\n"),
        SimpleUploadedFile("b.csv", b"Email\nbo@example.org\n"),
    ]
    answer = staff.post(at("compare"), {"sheets": files})
    assert "1 of 2 addresses on these 2 lists is on more than one" in answer.text
    assert "bo@example.org" not in answer.text and not ImportBatch.objects.exists()
    counts = staff.post(at("compare_counts"), {"counts": answer.context["counts"]})
    assert b'"b.csv","1","1"' in b"".join(counts)
    assert ModelLogEntry.objects.filter(action="wagtail_engagement.lists_compared").count() == 1


@pytest.mark.parametrize("name", ["columns", "words"])
def test_cells_of_a_sheet_are_shown_only_to_whoever_may_see_addresses(staff, name):
    batch = upload(staff)
    staff.post(at("columns", batch.pk), AS_GUESSED)
    user = factories.UserFactory(is_staff=True)
    wanted = ("access_admin", "import_participant")
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    other = Client()
    other.force_login(user)
    assert other.get(at(name, batch.pk)).status_code in (302, 403)
    assert staff.get(at(name, batch.pk)).status_code == 200
