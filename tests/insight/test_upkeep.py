"""The list of what waits, and the steps that are left for each consultation."""

import datetime

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from wagtail.models import Site

from tests import factories
from tests.site import DAY, add_consultation
from wagtail_engagement.consent import settling
from wagtail_engagement.models import (
    ConsentWording,
    Consultation,
    ConsultationResponse,
    EngagementSettings,
    ImportBatch,
    ImportRow,
    Interest,
    Invitation,
    Participant,
    PossibleDuplicate,
    RightsRequest,
)

pytestmark = pytest.mark.django_db
OVERVIEW = "/admin/engagement/"


def lines_for(client):
    return client.get(OVERVIEW).context["lines"]


def in_words(moment):
    day = timezone.localtime(moment)
    return f"{day.day} {day:%B %Y}"


def sheet(*, rows=(), **values):
    batch = ImportBatch.objects.create(filename="parks.csv", sha256="0" * 64, **values)
    for number, outcome in enumerate(rows, 2):
        ImportRow.objects.create(batch=batch, number=number, outcome=outcome)
    return batch


def pair(found_at):
    first, second = factories.ParticipantFactory(), factories.ParticipantFactory()
    return PossibleDuplicate.objects.create(
        first=first, second=second, hint="tag", found_at=found_at
    )


def test_pairs_that_may_be_one_person_say_when_they_stay_two(login, council):
    now = timezone.now()
    for age in (20, 5):
        pair(now - age * DAY)
    (line,) = lines_for(login("steward"))
    assert line.text == "2 pairs of records may be one person."
    assert line.otherwise.endswith(f"the first on {in_words(now + 10 * DAY)}.")
    assert lines_for(login("lead")) == []


@pytest.mark.parametrize(("days", "said"), [(3, "If nobody answers by"), (-3, "month ended on")])
def test_a_request_says_when_the_law_wants_its_answer(days, said, login, council):
    due = timezone.now() + days * DAY
    RightsRequest.objects.create(kind="access", due_at=due)
    RightsRequest.objects.create(kind="access", due_at=due - DAY, state="checking")
    (line,) = lines_for(login("steward"))
    assert line.text == "1 request about personal data waits."
    assert said in line.otherwise and in_words(due) in line.otherwise


def test_people_in_quarantine_are_counted_with_the_day_on_which_they_go(login, council):
    ends = timezone.now() + 12 * DAY
    Participant.objects.update(kept_until=ends)
    (line,) = lines_for(login("steward"))
    assert line.text == "1 person is here without a reason to stay."
    assert in_words(ends) in line.otherwise


def test_agreements_that_ended_without_a_question_are_shown_to_who_can_reach_the_people(
    login, council
):
    person = factories.ParticipantFactory(kept_until=timezone.now() + 20 * DAY)
    factories.ConsentEventFactory(participant=person, at=timezone.now() - 735 * DAY)
    settling.settle([person.pk], at=timezone.now())
    (line,) = lines_for(login("lead"))
    assert line.text.startswith("1 agreement ended without our asking")
    assert in_words(person.kept_until) in line.otherwise
    assert "?invitations=unasked" in line.url
    assert lines_for(login("analyst")) == []


def test_rows_that_nobody_has_read_lead_to_their_sheet(login, council, settings):
    settings.WAGTAIL_ENGAGEMENT_QUARANTINE_DAYS = 30
    done = timezone.now() - 10 * DAY
    batch = sheet(status="finished", finished_at=done, rows=["review", "review", "new"])
    sheet(status="finished", finished_at=done - 30 * DAY, rows=["review"])
    (line,) = lines_for(login("steward"))
    assert line.text == "2 rows of “parks.csv” cannot be read without you."
    assert in_words(done + 30 * DAY) in line.otherwise
    assert line.url.endswith(f"/imports/{batch.pk}/review/")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("draft", "“parks.csv” was uploaded, and nobody has brought it in."),
        ("parked", "“parks.csv” is parked; it waits for minutes."),
        ("failed", "“parks.csv” could not be brought in."),
    ],
)
def test_a_sheet_that_is_not_brought_in_says_when_it_is_deleted(status, said, login, council):
    batch = sheet(status=status, waits_for="minutes")
    (line,) = lines_for(login("steward"))
    assert line.text == said
    assert in_words(batch.created_at + 30 * DAY) in line.otherwise
    ImportBatch.objects.update(file_gone_at=timezone.now())
    assert lines_for(login("all_in_one")) == []


def test_an_interest_is_proposed_for_retiring_only_after_it_had_a_use(login, council):
    Interest.objects.create(name="New", slug="new")
    client = login("lead")
    assert lines_for(client) == []
    old = Interest.objects.create(name="Old", slug="old")
    past = timezone.now() - 500 * DAY
    past_one = factories.ConsultationFactory(
        opens_at=past - DAY, closes_at=past, answered_at=past, is_live=False
    )
    past_one.interests.add(old)
    (line,) = lines_for(client)
    assert line.text.startswith("2 interests have nobody")


def test_what_happens_first_stands_on_top_and_no_queue_hides_another(login, council):
    now = timezone.now()
    for number in range(4):
        sheet(status="draft", created_at=now - (25 - number) * DAY)
    pair(now - DAY)
    RightsRequest.objects.create(kind="erasure", due_at=now + 9 * DAY)
    found = [line.text.split()[1] for line in lines_for(login("steward"))]
    assert found == ["was", "request", "pair", "was", "was"]


def test_every_line_about_the_register_leads_to_a_page_that_its_reader_may_open(login, council):
    now = timezone.now()
    pair(now)
    RightsRequest.objects.create(kind="access")
    Participant.objects.update(kept_until=now + DAY)
    sheet(status="finished", finished_at=now, rows=["review"])
    sheet(status="failed")
    client = login("steward")
    lines = lines_for(client)
    assert len(lines) == 5
    assert [client.get(line.url, follow=True).status_code for line in lines] == [200] * 5


def shown_by(client, line):
    """How many the listing behind a line shows."""
    page = client.get(line.url)
    assert page.status_code == 200
    return page.context["items_count"]


def test_each_line_opens_exactly_those_whom_it_counts(login, council):
    now = timezone.now()
    others = [factories.ParticipantFactory(kept_until=now + DAY) for _each in range(3)]
    merged = factories.ParticipantFactory(merged_into=others[0], kept_until=now + DAY)
    pair(now)
    RightsRequest.objects.create(kind="access", participant=others[0])
    RightsRequest.objects.create(kind="access", state="checking", participant=merged)
    RightsRequest.objects.create(kind="erasure", state="done", closed_at=now)
    client = login("steward")
    found = {line.text.split()[1]: line for line in lines_for(client)}
    counted = {word: int(line.text.split()[0]) for word, line in found.items()}
    assert counted == {"people": 3, "pair": 1, "request": 1}
    assert {word: shown_by(client, line) for word, line in found.items()} == counted


def test_deliveries_in_doubt_are_listed_for_as_long_as_they_are_counted(login, council):
    now = timezone.now()
    over = factories.InvitationFactory(status="finished", finished_at=now - 20 * DAY)
    lately = factories.InvitationFactory(status="finished", finished_at=now - DAY)
    for invitation in (over, lately):
        factories.DeliveryFactory(invitation=invitation, state="uncertain")
    client = login("lead")
    (line,) = [line for line in lines_for(client) if "cannot tell" in line.text]
    assert line.text.startswith("We cannot tell if 1 invitation") and shown_by(client, line) == 1


def test_nobody_hears_of_people_whose_list_they_may_not_open(council, django_user_model):
    Participant.objects.update(kept_until=timezone.now() + DAY)
    user = django_user_model.objects.create(username="importer")
    names = ("access_admin", "import_participant", "view_suppression")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    assert lines_for(client) == []


def test_steps_are_left_by_consultation_until_all_is_done(login, full_council):
    client, mine = login("lead"), full_council.own.consultation
    steps = lambda: {  # noqa: E731
        row.consultation: row.steps for row in client.get(OVERVIEW).context["open_now"]
    }
    assert steps()[mine] == "2 steps: invite people, say what came of it"
    Invitation.objects.update(status="finished")
    assert steps()[mine] == "1 step: say what came of it"
    ConsultationResponse.objects.update(status="held", held_until=timezone.now() + DAY)
    assert steps()[mine] == "2 steps: look at what is held back, say what came of it"
    ConsultationResponse.objects.update(status="counted")
    Consultation.objects.filter(pk=mine.pk).update(answered_at=timezone.now())
    assert steps()[mine] == ""


def test_a_closed_consultation_stays_until_it_is_answered(login, council):
    past = timezone.now() - 3 * DAY
    page = add_consultation(
        parent=council.section, title="Old mill", opens_at=past - DAY, closes_at=past
    )
    client = login("lead")
    (row,) = client.get(OVERVIEW).context["closed"]
    assert (row.consultation, row.steps) == (page.consultation, "1 step: say what came of it")
    Consultation.objects.filter(pk=page.consultation_id).update(answered_at=past)
    assert "something left to do" not in client.get(OVERVIEW).text


def test_what_is_held_back_is_told_to_its_readers_alone(login, council):
    ConsultationResponse.objects.update(status="held", held_until=timezone.now() + DAY)
    assert "look at what is held back" not in login("steward").get(OVERVIEW).text
    assert "look at what is held back" in login("lead").get(OVERVIEW).text


def test_public_task_says_what_it_still_needs(login, council):
    client = login("lead")
    choice = EngagementSettings.objects.create(site=Site.objects.get(), invite_basis="public_task")
    shown = client.get(OVERVIEW).text
    assert "does not say who decided on public task" in shown
    assert "There are no words for public task" in shown
    choice.basis_decided_by, choice.basis_decided_on = "The board", datetime.date(2026, 11, 2)
    choice.save()
    ConsentWording(purpose="invite", basis="public_task", label="We will write to you.").save()
    assert "Until then invitations rest on consent" not in client.get(OVERVIEW).text


def test_the_overview_asks_no_more_questions_for_more_of_everything(
    login, council, django_assert_max_num_queries
):
    client = login("all_in_one")
    client.get(OVERVIEW)
    with django_assert_max_num_queries(200) as few:
        client.get(OVERVIEW)
    for number in range(6):
        pair(timezone.now())
        RightsRequest.objects.create(kind="access")
        add_consultation(parent=council.section, title=f"More {number}")
    with django_assert_max_num_queries(len(few) + 2):
        client.get(OVERVIEW)
