"""A form that the site already has comes in whole: its people, and what everybody answered."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail.contrib.forms.models import FormSubmission

from tests import factories
from tests.formpages.models import FormField, StaffFormField, StaffFormPage, StaffSubmission
from tests.site import home
from wagtail_engagement.consultations.exporting import export_rows
from wagtail_engagement.consultations.questions import Definition
from wagtail_engagement.imports import bringing, importing
from wagtail_engagement.imports.importing import ImportRefused
from wagtail_engagement.imports.spreadsheet import SheetRefused
from wagtail_engagement.models import (
    Answer,
    Consultation,
    ConsultationResponse,
    FormVersion,
    Interest,
    Participant,
    ResponseContact,
)
from wagtail_engagement.rights import retaining

from . import old_forms, sheets
from .old_forms import ANN, ASKED, BO

pytestmark = pytest.mark.django_db


def readable(response):
    """The answers in words by the words of their question."""
    return dict(Definition(response.form_version.definition).readable(response.answers))


def only_response():
    return ConsultationResponse.objects.get()


def test_every_kind_of_answer_comes_in_and_can_be_read():
    old_forms.brought_in(old_forms.form(ANN))
    assert readable(only_response()) == {
        "May we email you about consultations?": "Yes",
        "How many plots should there be?": "12.5",
        "Gardener since": "1 April 2019",
        "What do you grow?": "Beans, Leeks, long",
        "Which site?": "Mill Lane",
        "Anything else?": "More water.\n=HYPERLINK(1)",
    }


def test_answers_have_typed_rows_beside_them():
    old_forms.brought_in(old_forms.form(ANN))
    rows = Answer.objects.exclude(text="=")
    assert rows.get(number__isnull=False).number == 12.5
    assert rows.get(date__isnull=False).date == datetime.date(2019, 4, 1)
    assert rows.exclude(option_key="").count() == 4


def test_a_response_keeps_the_moment_when_it_was_sent():
    page = old_forms.form(ANN)
    old_forms.brought_in(page)
    assert only_response().submitted_at == FormSubmission.objects.get().submit_time
    assert (only_response().status, only_response().route) == ("counted", "brought")


def test_a_past_exercise_is_a_consultation_without_a_page():
    batch = old_forms.brought_in(old_forms.form(ANN, BO), title="Allotments 2026")
    row = Consultation.objects.get()
    assert (row.title, row.is_live, row.owner) == ("Allotments 2026", False, batch.attested_by)
    assert timezone.localdate(row.opens_at) == batch.collected_from
    assert timezone.localdate(row.closes_at) == batch.collected_to + datetime.timedelta(days=1)
    assert row.state_at(timezone.now()) == "closed"
    assert batch.totals["responses"] == 2 and batch.totals["answers"] == 8


def test_who_somebody_is_is_kept_apart_and_ties_nobody_to_an_answer():
    old_forms.brought_in(old_forms.form(ANN))
    contact = ResponseContact.objects.get()
    assert (contact.email, contact.name, contact.postcode) == (
        "ann@example.org",
        "Ann Lee",
        "BN1 1AA",
    )
    assert "ann@" not in str(only_response().answers) and "Lee" not in str(Answer.objects.values())
    assert only_response().participant is None
    assert sheets.standing("ann@example.org") == "granted"


def test_of_an_old_form_no_name_comes_in_beside_the_answers():
    page = old_forms.form()
    old_forms.fill_in(page, ANN, days_ago=500)
    old_forms.brought_in(page)
    assert only_response().answers and not ResponseContact.objects.exists()


def test_of_a_form_that_was_open_for_years_only_late_names_come_in():
    page = old_forms.form()
    old_forms.fill_in(page, ANN, days_ago=500)
    old_forms.fill_in(page, {**ANN, "email": "late@example.org", "postcode": "Brighton"})
    old_forms.brought_in(page)
    contact = ResponseContact.objects.get()
    assert (contact.email, contact.postcode) == ("late@example.org", "Brighton")


def test_no_name_comes_in_long_after_the_outcome():
    page = old_forms.form(ANN)
    old_forms.brought_in(page)
    Consultation.objects.update(answered_at=timezone.now() - datetime.timedelta(days=200))
    old_forms.fill_in(page, {**ANN, "email": "late@example.org"})
    old_forms.brought_in(page)
    assert not ResponseContact.objects.filter(email="late@example.org").exists()


def test_options_that_differ_in_case_alone_keep_their_keys():
    page = old_forms.form({**ANN, "site": "mill lane"}, ANN)
    old_forms.brought_in(page)
    FormField.objects.filter(clean_name="site").update(choices="Top Field")
    old_forms.fill_in(page, {**ANN, "site": "Top Field"})
    old_forms.brought_in(page)
    found = ConsultationResponse.objects.order_by("pk")
    assert [readable(row)["Which site?"] for row in found] == [
        "mill lane",
        "Mill Lane",
        "Top Field",
    ]
    pairs = {
        (option["label"], option["key"])
        for version in FormVersion.objects.all()
        for question in version.definition
        for option in question.get("options", [])
    }
    assert len(pairs) == len(dict(pairs)) == len({key for _label, key in pairs})


def test_names_beside_answers_go_in_their_time_and_the_form_stays_known():
    page = old_forms.form(ANN)
    old_forms.brought_in(page)
    later = timezone.now() + datetime.timedelta(days=400)
    retaining.run(at=later)
    assert not ResponseContact.objects.exists()
    old_forms.brought_in(page)
    assert ConsultationResponse.objects.count() == 1


def test_nothing_is_kept_beside_the_answers_of_somebody_on_do_not_contact():
    factories.SuppressionFactory(address="ann@example.org", reason="erased")
    old_forms.brought_in(old_forms.form(ANN))
    assert only_response().answers
    assert not ResponseContact.objects.exists() and not Participant.objects.exists()


def test_a_form_without_addresses_brings_its_answers_alone():
    asked = {name: ASKED[name] for name in ("plots", "more")}
    batch = old_forms.brought_in(
        old_forms.form({"plots": "3", "more": "Yes"}, asked=asked), basis="", words=""
    )
    assert (batch.status, batch.totals["no_address"]) == ("finished", 1)
    assert readable(only_response()) == {ASKED["plots"][0]: "3", ASKED["more"][0]: "Yes"}


def test_a_form_of_which_no_answer_is_kept_brings_its_people_alone():
    ignored = {f"column_{n}": "ignore" for n in range(5, 10)}
    mapping = {"column_4": "ignore", **ignored, "column_1": "email"}
    old_forms.brought_in(old_forms.form(ANN), mapping=mapping | {"column_2": "ignore"})
    assert Participant.objects.count() == 1
    assert not Consultation.objects.exists()


def test_bringing_a_form_in_twice_adds_only_what_is_new():
    page = old_forms.form(ANN, BO)
    old_forms.brought_in(page)
    old_forms.fill_in(page, {**BO, "more": "Late."}, days_ago=10)
    batch = old_forms.brought_in(page)
    assert ConsultationResponse.objects.count() == 3
    assert Consultation.objects.count() == FormVersion.objects.count() == 1
    assert (batch.totals["responses"], batch.totals["already"]) == (1, 2)
    assert Consultation.objects.get().closes_at > timezone.now() - datetime.timedelta(days=11)


def test_what_is_filled_in_after_the_form_was_looked_at_waits_for_the_next_time():
    page = old_forms.form(ANN)
    batch = old_forms.described(page)
    old_forms.fill_in(page, BO)
    importing.start(batch=batch, actor=batch.created_by, at=timezone.now())
    sheets.work()
    assert ConsultationResponse.objects.count() == 1


def test_undoing_takes_back_people_answers_and_the_consultation():
    batch = old_forms.brought_in(old_forms.form(ANN, BO))
    sheets.undone(batch)
    assert batch.status == "undone"
    for table in (Participant, Answer, ConsultationResponse, FormVersion, Consultation):
        assert not table.objects.exists()


def test_undoing_leaves_what_hangs_on_the_consultation():
    second = old_forms.brought_in(old_forms.form(ANN))
    factories.InvitationFactory(consultation=Consultation.objects.get())
    sheets.undone(second)
    assert not ConsultationResponse.objects.exists() and Consultation.objects.count() == 1


def test_undoing_leaves_the_answers_that_another_import_passed_over():
    page = old_forms.form(ANN)
    first = old_forms.brought_in(page)
    old_forms.fill_in(page, BO)
    second = old_forms.brought_in(page)
    sheets.undone(first)
    assert ConsultationResponse.objects.count() == 2
    sheets.undone(second)
    assert not ConsultationResponse.objects.exists() and not Consultation.objects.exists()


def test_undoing_takes_answers_to_what_the_other_import_leaves_out():
    page = old_forms.form(ANN)
    first = old_forms.brought_in(page)
    old_forms.brought_in(page, mapping={"column_9": "ignore"})
    sheets.undone(first)
    assert not ConsultationResponse.objects.exists()


def test_a_dry_run_counts_the_answers_and_stores_none():
    batch = old_forms.described(old_forms.form(ANN, BO))
    importing.check(batch=batch, at=timezone.now())
    assert batch.status == "checked"
    assert (batch.totals["responses"], batch.totals["answers"]) == (2, 8)
    assert not Consultation.objects.exists()


def test_a_form_that_was_checked_is_checked_again_when_a_sheet_came_in():
    batch = old_forms.described(old_forms.form(ANN, BO))
    importing.check(batch=batch, at=timezone.now())
    new = batch.totals["new"]
    sheets.brought_in(sheets.row(email=ANN["email"]))
    batch.refresh_from_db()
    assert (batch.status, batch.totals["new"]) == ("checked", new - 1)


def test_a_field_that_is_gone_and_one_that_was_renamed_lose_nothing():
    page = old_forms.form({**ANN, "pets": "A goat"})
    FormField.objects.filter(clean_name="more").update(label="What else?")
    FormField.objects.filter(clean_name="site").delete()
    old_forms.brought_in(page)
    said = readable(only_response())
    assert said["What else?"] == ANN["more"]
    assert said["Site (no longer in the form)"] == "Mill Lane"
    assert said["Pets (no longer in the form)"] == "A goat"


def test_a_field_that_was_relabelled_between_two_imports_keeps_its_column():
    page = old_forms.form(ANN)
    old_forms.brought_in(page)
    FormField.objects.filter(clean_name="plots").update(label="Plots?")
    old_forms.fill_in(page, {**ANN, "plots": "7"})
    old_forms.brought_in(page)
    rows = ConsultationResponse.objects.order_by("pk")
    heading, *lines = export_rows(Consultation.objects.get(), rows, with_contact=True)
    assert [str(line[heading.index("Plots?")]) for line in lines] == ["12.5", "7"]
    assert "How many plots should there be?" not in heading and heading[-1] == "Postcode"


ODD = [
    ("plots", "number", ["many", "12"], ["many", "12"]),
    ("plots", "number", ["0.123456", 5], ["0.123456", "5"]),
    ("plots", "number", ["9" * 30], ["9" * 30]),
    ("since", "date", ["spring", "2020-01-01"], ["spring", "2020-01-01"]),
    (
        "site",
        "radio",
        ["Old Yard", ["Mill Lane", "Top Field"]],
        ["Old Yard", "Mill Lane, Top Field"],
    ),
    ("crops", "checkboxes", ["Beans", ["Kale", "Figs"]], ["Beans", "Kale, Figs"]),
    ("seen", "datetime", ["2020-01-01T12:00:00Z"], ["2020-01-01 12:00"]),
    ("plan", "file", [{"url": "/m/1", "name": "plan.pdf"}], ["url: /m/1; name: plan.pdf"]),
    ("plans", "documents", [[3, 4]], ["3\n4"]),
    ("more", "singleline", ["a\x0bb\u202ec", 0, False], ["abc", "0", "no"]),
    ("tick", "checkbox", [True, False, "on"], ["yes", "no", "on"]),
    ("free", "dropdown", [f"Word {n}" for n in range(300)], [f"Word {n}" for n in range(300)]),
]


@pytest.mark.parametrize(("name", "kind", "values", "words"), ODD)
def test_whatever_stands_in_a_field_comes_in_as_it_is(name, kind, values, words):
    page = old_forms.form(asked={name: ("Q", kind, "Mill Lane\nTop Field")})
    rows = [FormSubmission(page=page, form_data={name: value}) for value in values]
    for row in rows:
        row.save()
    batch = old_forms.brought_in(page, basis="", words="")
    assert batch.status == "finished", batch.status_reason
    found = ConsultationResponse.objects.order_by("pk")
    assert [readable(response)["Q"] for response in found] == words
    assert list(export_rows(Consultation.objects.get(), found, with_contact=False))


def test_empty_submissions_are_responses_too():
    old_forms.brought_in(old_forms.form({}, {"more": "", "crops": [], "plots": None}))
    assert [row.answers for row in ConsultationResponse.objects.all()] == [{}, {}]


def test_a_sensitive_form_gives_nobody_an_interest():
    topic = factories.InterestFactory(name="Parks")
    told = {"everyone": [topic.pk], "is_sensitive": True}
    old_forms.brought_in(old_forms.form(ANN), **told)
    row = Consultation.objects.get()
    assert row.is_sensitive and list(row.interests.all()) == [topic]
    assert not sheets.person("ann@example.org").interest_links.exists()


def test_what_a_form_was_about_is_what_its_people_are_interested_in():
    topic = factories.InterestFactory(name="Parks")
    old_forms.brought_in(old_forms.form(ANN), everyone=[topic.pk])
    assert list(Consultation.objects.get().interests.all()) == [topic]
    assert [link.interest for link in sheets.person("ann@example.org").interest_links.all()] == [
        topic
    ]
    assert Interest.objects.count() == 1


def test_a_form_with_a_table_of_its_own_is_read_as_its_own_code_reads_it(
    django_assert_max_num_queries,
):
    page = home().add_child(instance=StaffFormPage(title="Ideas"))
    StaffFormField.objects.create(
        page=page, clean_name="idea", label="Idea", field_type="multiline"
    )
    for number in range(3):
        who = factories.UserFactory(email=f"w{number}@example.org")
        StaffSubmission.objects.create(page=page, user=who, form_data={"idea": f"Idea {number}"})
    with django_assert_max_num_queries(12):
        bringing.bring(page=page, actor=who, at=timezone.now())
    old_forms.brought_in(page)
    assert Participant.objects.count() == 3
    assert [readable(row) for row in ConsultationResponse.objects.order_by("pk")] == [
        {"Idea": f"Idea {number}"} for number in range(3)
    ]


def test_a_form_that_is_deleted_half_way_leaves_nothing_half_imported(monkeypatch):
    monkeypatch.setattr("wagtail_engagement.imports.running.CHUNK", 1)
    page = old_forms.form(ANN, BO)
    batch = old_forms.described(page)
    importing.start(batch=batch, actor=batch.created_by, at=timezone.now())
    sheets.work(limit=1)
    page.delete()
    while sheets.work():
        pass
    batch.refresh_from_db()
    assert batch.status == "undone" and "no longer here" in batch.status_reason
    assert not ConsultationResponse.objects.exists() and not Participant.objects.exists()


def test_a_form_whose_submissions_were_changed_meanwhile_is_refused_as_a_whole():
    page = old_forms.form(ANN)
    batch = old_forms.described(page)
    FormSubmission.objects.update(form_data={**ANN, "site": "Unheard of"})
    importing.check(batch=batch, at=timezone.now())
    assert (batch.status, "Bring it in again" in batch.status_reason) == ("failed", True)


def test_a_form_that_nobody_filled_in_is_refused_with_a_sentence():
    with pytest.raises(ImportRefused, match="Nobody has filled in this form yet"):
        bringing.bring(page=old_forms.form(), actor=None, at=timezone.now())


def test_a_form_whose_page_is_gone_cannot_be_described():
    page = old_forms.form(ANN)
    batch = old_forms.described(page)
    page.delete()
    with pytest.raises(SheetRefused):
        bringing.answers_of(batch, now=timezone.now()).page  # noqa: B018


def test_where_there_is_no_form_page_the_screen_says_so(client):
    client.force_login(factories.UserFactory(superuser=True))
    answer = client.get(reverse("wagtail_engagement_imports:bring"))
    assert "There is no form page that you may read" in answer.text
