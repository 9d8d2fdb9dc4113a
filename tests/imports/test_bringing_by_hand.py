"""Bringing in a form as people do: who may, what each screen says, and workers that are killed."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail import hooks
from wagtail.models import GroupPagePermission

from tests import factories
from tests.site import DAY
from wagtail_engagement.imports import importing, running, undoing
from wagtail_engagement.models import (
    Answer,
    Consultation,
    ConsultationResponse,
    ImportBatch,
    Participant,
    ResponseContact,
)
from wagtail_engagement.rights import erasing

from . import old_forms
from .old_forms import ANN, BO
from .test_wizard import at, told
from .test_worker import killed_over_and_over

pytestmark = pytest.mark.django_db
RESPONSES = "wagtail_engagement_responses:index"


def login(*codenames, edits=None):
    """Somebody with these permissions of ours, who may edit the pages below `edits`."""
    group = Group.objects.create(name=f"of {codenames} {edits}")
    group.permissions.set(Permission.objects.filter(codename__in=["access_admin", *codenames]))
    if edits:
        change = Permission.objects.get(
            content_type__app_label="wagtailcore", codename="change_page"
        )
        GroupPagePermission.objects.create(group=group, page=edits, permission=change)
    user = factories.UserFactory(is_staff=True)
    user.groups.add(group)
    client = Client()
    client.force_login(user)
    return client


STEWARD = ("import_participant", "view_participant_pii")


@pytest.fixture
def page():
    return old_forms.form(ANN, BO)


@pytest.fixture
def staff():
    client = Client()
    client.force_login(factories.UserFactory(superuser=True))
    return client


def begun(client, page):
    client.post(at("bring"), {"page": page.pk})
    return ImportBatch.objects.latest("id")


def proposed(client, batch):
    """What the screen of the fields proposes, as a browser would send it."""
    form = client.get(at("columns", batch.pk)).context["form"]
    return {name: form[name].initial for name in form.fields if name != "everyone_out"}


def checked(client, page, **more):
    batch = begun(client, page)
    client.post(at("columns", batch.pk), proposed(client, batch))
    client.post(at("words", batch.pk), {"polarity_4": "in"})
    days = {"collected_from": "", "collected_to": ""}
    client.post(at("origin", batch.pk), told(title="Allotments", **days, **more))
    batch.refresh_from_db()
    return batch


def test_each_form_is_listed_with_its_numbers_and_its_last_import(staff, page):
    old_forms.form(title="An empty one")
    assert "Nobody has filled it in" in staff.get(at("bring")).text
    begun(staff, page)
    answer = staff.get(at("bring")).text
    assert ">2<" in answer.replace(" ", "").replace("\n", "")
    assert "being prepared" in answer


def test_each_field_is_proposed_as_what_it_is_and_the_rest_as_answers(staff, page):
    batch = begun(staff, page)
    said = proposed(staff, batch)
    assert list(said.values()) == ["email", "name", "postcode", "permission", *["answer"] * 5]
    assert "has 2 submissions" in staff.get(at("columns", batch.pk)).text


def test_the_days_and_the_title_are_proposed_and_can_be_corrected(staff, page):
    batch = begun(staff, page)
    staff.post(at("columns", batch.pk), proposed(staff, batch))
    form = staff.get(at("origin", batch.pk)).context["form"]
    day = timezone.localdate() - 60 * DAY
    assert (form["title"].value(), form["collected_from"].value()) == ("Allotment survey", day)


def test_the_check_says_what_would_come_in_and_the_result_what_came(staff, page):
    batch = checked(staff, page)
    answer = staff.get(at("show", batch.pk)).text
    assert "“Allotments”" in answer and "Together they hold 8 answers" in answer
    assert "Bring in 2 responses and 1 people's rows" in answer
    staff.post(at("start", batch.pk), {"attested": "on"})
    call_command("engagement_work", once=True)
    answer = staff.get(at("show", batch.pk))
    assert "Read the responses" in answer.text
    assert "Allotments" in staff.get(answer.context["read_url"]).text


def test_a_form_that_was_sensitive_once_stays_so(staff, page):
    old_forms.brought_in(page, is_sensitive=True)
    batch = begun(staff, page)
    staff.post(at("same", batch.pk))
    staff.post(at("origin", batch.pk), told(title="Allotments"))
    batch.refresh_from_db()
    assert batch.is_sensitive and batch.status == "checked"


def test_a_form_without_addresses_is_asked_less(staff):
    page = old_forms.form({"more": "Yes"}, asked={"more": ("Anything?", "multiline", "")})
    batch = begun(staff, page)
    staff.post(at("columns", batch.pk), proposed(staff, batch))
    form = staff.get(at("origin", batch.pk)).context["form"]
    assert not {"basis", "words", "kind"} & set(form.fields)
    staff.post(at("origin", batch.pk), {"title": "Ideas", "source": "Our website"})
    assert "nobody comes into the register" in staff.get(at("show", batch.pk)).text


def test_the_second_time_everything_is_as_the_first_time(staff, page):
    batch = checked(staff, page, source="Allotments team")
    again = begun(staff, page)
    assert "Same as last time" in staff.get(at("columns", again.pk)).text
    staff.post(at("same", again.pk))
    again.refresh_from_db()
    assert (again.mapping, again.source) == (batch.mapping, "Allotments team")


def test_only_who_may_read_a_form_may_bring_it_in_or_see_its_cells(page):
    editor, steward = login(*STEWARD, edits=page), login(*STEWARD)
    assert "Allotment survey" not in steward.get(at("bring")).text
    assert steward.post(at("bring"), {"page": page.pk}).status_code == 200
    assert not ImportBatch.objects.exists()
    batch = checked(editor, page)
    assert batch.status == "checked"
    for name in ("columns", "words", "origin", "report"):
        assert editor.get(at(name, batch.pk)).status_code == 200
        assert steward.get(at(name, batch.pk)).get("Location") == reverse("wagtailadmin_home")
    steward.post(at("start", batch.pk), {"attested": "on"})
    assert ImportBatch.objects.get().status == "checked"


def test_answers_are_read_by_those_who_may_read_the_form_and_no_others(page):
    old_forms.brought_in(page)
    assert "Allotment survey" in login("view_response", edits=page).get(reverse(RESPONSES)).text
    other = login("view_response")
    assert "Allotment survey" not in other.get(reverse(RESPONSES)).text
    one = ConsultationResponse.objects.first()
    assert other.get(reverse("wagtail_engagement_responses:read", args=[one.pk])).status_code == 404
    page.delete()
    assert "Allotment survey" in other.get(reverse(RESPONSES)).text


def test_a_form_that_a_site_hides_by_its_hook_stays_hidden(page):
    def hide(user, pages):
        return pages.none()

    old_forms.brought_in(page)
    reader = login("view_response", *STEWARD, edits=page)
    with hooks.register_temporarily("filter_form_submissions_for_user", hide):
        assert "Allotment survey" not in reader.get(reverse(RESPONSES)).text
        assert "Allotment survey" not in reader.get(at("bring")).text


def test_cells_of_a_form_are_shown_no_longer_than_those_of_a_file(staff, page):
    batch = old_forms.brought_in(page)
    later = timezone.now() + 31 * DAY
    assert importing.delete_due_files(at=later) == 1
    assert importing.delete_due_files(at=later) == 0
    report = b"".join(staff.get(at("report", batch.pk))).decode()
    assert "new" in report and "ann@example.org" not in report


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(running, "CHUNK", 3)
    monkeypatch.setattr(undoing, "CHUNK", 3)


def many():
    return old_forms.form(*({**ANN, "email": f"p{n % 7}@example.org"} for n in range(10)))


def test_a_worker_that_is_killed_again_and_again_loses_and_doubles_no_answer(small_chunks):
    batch = old_forms.described(many())
    importing.start(batch=batch, actor=batch.created_by, at=timezone.now())
    killed_over_and_over(batch)
    assert (batch.status, batch.totals["responses"], batch.totals["answers"]) == (
        "finished",
        10,
        60,
    )
    assert ConsultationResponse.objects.count() == 10
    assert Answer.objects.count() == 70
    assert Participant.objects.count() == 7


def test_an_undo_that_is_killed_again_and_again_leaves_no_answer(small_chunks):
    batch = old_forms.brought_in(many())
    importing.undo(batch=batch, actor=batch.created_by, at=timezone.now())
    killed_over_and_over(batch)
    assert batch.status == "undone"
    assert not Consultation.objects.exists() and not Participant.objects.exists()


def test_erasing_somebody_takes_their_name_from_beside_the_answers(page):
    old_forms.brought_in(page)
    ann = Participant.objects.get(email="ann@example.org")
    erasing.erase(person=ann, keeps_responses=True, at=timezone.now())
    assert ConsultationResponse.objects.count() == 2 and not ResponseContact.objects.exists()
    old_forms.brought_in(page)
    assert not ResponseContact.objects.exists() and not Participant.objects.exists()
