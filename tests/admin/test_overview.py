"""The overview: what is open, who joined, what needs doing; and the menu it opens."""

import pytest
from django.utils import timezone
from wagtail.models import Site

from tests.site import DAY, add_consultation
from wagtail_engagement.models import (
    ConsultationResponse,
    Delivery,
    EngagementSettings,
    Invitation,
    WorkerSign,
)

pytestmark = pytest.mark.django_db
OVERVIEW = "/admin/engagement/"


def lines_of(client):
    return [line.text for line in client.get(OVERVIEW).context["lines"]]


def test_what_is_open_and_who_joined(login, full_council):
    shown = login("analyst").get(OVERVIEW).content.decode()
    assert "Own park" in shown
    assert "1 person joined this month; 1 in the register." in " ".join(shown.split())


def test_a_quiet_site_says_that_nothing_waits(login, council):
    assert "Nothing waits for you." in login("lead").get(OVERVIEW).content.decode()


def test_there_are_never_more_than_five_lines(login, council):
    for number in range(7):
        past = timezone.now() - 3 * DAY
        add_consultation(
            parent=council.section, title=f"Past {number}", opens_at=past - DAY, closes_at=past
        )
    assert len(lines_of(login("lead"))) == 5


def test_a_held_response_says_when_it_counts_by_itself(login, council):
    ConsultationResponse.objects.filter(consultation=council.own.consultation).update(
        status="held", held_until=timezone.now() + 7 * DAY
    )
    line = login("lead").get(OVERVIEW).context["lines"][0]
    assert line.text == "1 response is held back."
    assert "each counts by itself" in line.otherwise


@pytest.mark.parametrize(("ended", "said"), [(None, 1), (13 * DAY, 1), (15 * DAY, 0)])
def test_what_we_cannot_tell_is_said_for_two_weeks_after_an_invitation(
    ended, said, login, full_council
):
    Invitation.objects.update(finished_at=ended and timezone.now() - ended)
    Delivery.objects.update(state="uncertain")
    lines = lines_of(login("lead"))
    assert lines == ["We cannot tell if 1 invitation arrived."] * said


def test_what_somebody_can_decide_is_said_before_what_nobody_can(login, full_council):
    ConsultationResponse.objects.update(status="held", held_until=timezone.now() + DAY)
    Delivery.objects.update(state="uncertain")
    held, uncertain = lines_of(login("lead"))
    assert held == "1 response is held back."
    assert uncertain == "We cannot tell if 1 invitation arrived."


def test_a_role_hears_of_nothing_that_it_may_not_do(login, full_council):
    ConsultationResponse.objects.update(status="held", held_until=timezone.now() + DAY)
    Invitation.objects.update(status="paused")
    assert lines_of(login("steward")) == []
    assert len(lines_of(login("lead"))) == 2


def test_mail_that_waits_without_a_worker_is_said_until_one_is_seen(login, full_council):
    client = login("lead")
    assert "No worker was ever seen, 1 mail waits." in client.get(OVERVIEW).content.decode()
    sign = WorkerSign.objects.create(name="one", seen_at=timezone.now() - DAY)
    assert "No worker since" in client.get(OVERVIEW).content.decode()
    sign.seen_at = timezone.now()
    sign.save()
    assert "No worker" not in client.get(OVERVIEW).content.decode()


def test_what_the_law_asks_for_is_said_until_it_is_there(login, council):
    client = login("lead")
    assert "does not say how to complain" in client.get(OVERVIEW).content.decode()
    EngagementSettings.objects.update_or_create(
        site=Site.objects.get(),
        defaults={"privacy_notice": "<p>We keep it.</p>", "complaints": "<p>Write.</p>"},
    )
    assert "help-warning" not in client.get(OVERVIEW).content.decode()


@pytest.mark.parametrize(("role", "shown"), [("lead", True), ("editor", False)])
def test_the_menu_is_there_for_the_roles_alone(role, shown, login, council):
    home = login(role).get("/admin/").content.decode()
    assert ("/admin/engagement/responses/" in home) == shown


@pytest.mark.parametrize(
    ("role", "days", "shown"), [("lead", 1, True), ("lead", -1, False), ("analyst", 1, False)]
)
def test_people_are_invited_from_the_page_of_an_open_consultation(
    role, days, shown, login, council
):
    council.own.closes_at = timezone.now() + days * DAY
    council.own.save()
    editor = login(role).get(f"/admin/pages/{council.own.pk}/edit/").content.decode()
    assert (f"/invitations/new/{council.own.consultation.pk}/" in editor) == shown


def test_every_line_leads_to_a_page_that_its_reader_may_open(login, full_council):
    past = timezone.now() - 3 * DAY
    add_consultation(parent=full_council.section, opens_at=past - DAY, closes_at=past)
    ConsultationResponse.objects.update(status="held", held_until=timezone.now() + DAY)
    Invitation.objects.update(status="paused")
    Delivery.objects.update(state="uncertain")
    client = login("lead")
    lines = client.get(OVERVIEW).context["lines"]
    assert len(lines) == 4
    assert [client.get(line.url).status_code for line in lines] == [200] * 4
