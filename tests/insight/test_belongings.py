"""What belongs to a colleague is one list, and is given to another in one step."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests.factories import InvitationFactory, UserFactory
from tests.site import DAY, add_consultation
from wagtail_engagement.consultations.queries import page_of
from wagtail_engagement.models import (
    Consultation,
    ImportBatch,
    ImportRow,
    Invitation,
    RightsRequest,
    Team,
)

from .test_upkeep import OVERVIEW, sheet

pytestmark = pytest.mark.django_db
EVERYTHING = ["change_invitation", "send_invitation", "import_participant", "erase_participant"]


def url(*args):
    return reverse(f"wagtail_engagement_belongings{'_of' if args else ''}", args=args)


def colleague(*codenames, **facts):
    user = UserFactory(**facts)
    names = ["access_admin", *codenames]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


@pytest.fixture
def lead(client):
    user = colleague("reassign_work", username="lead")
    client.force_login(user)
    return user


@pytest.fixture
def sam(db):
    """Somebody who has left, and still has one of everything."""
    sam = UserFactory(first_name="Sam", last_name="Lee", is_active=False)
    page = add_consultation(owner=sam)
    assert page.consultation.owner == sam
    subject = {"consultation": page.consultation, "created_by": sam}
    InvitationFactory(subject="A draft", **subject)
    InvitationFactory(subject="To be repeated", status="finished", remind_days=3, **subject)
    InvitationFactory(subject="Over", status="finished", **subject)
    sheet(created_by=sam)
    RightsRequest.objects.create(kind="access", by=sam)
    RightsRequest.objects.create(kind="access", by=sam, closed_at=timezone.now())
    Team.objects.create(name="Parks", sender_name="Parks").members.add(sam)
    return sam


def keys_on(page):
    return [thing.key for _label, things in page.context["groups"] for thing in things]


def test_one_list_has_all_that_is_theirs_and_nothing_that_is_over(client, lead, sam):
    page = client.get(url(sam.pk))
    kinds = [key.split(":")[0] for key in keys_on(page)]
    assert kinds == ["consultation", "invitation", "reminder", "import", "request", "team"]
    assert "A draft" in page.text and "Over" not in page.text
    assert "Has left." in page.text


def test_everything_is_given_in_one_step_and_each_thing_says_so(client, lead, sam):
    kim = colleague(*EVERYTHING, username="kim")
    keys = keys_on(client.get(url(sam.pk)))
    page = client.post(url(sam.pk), {"things": keys, "to": "kim"}, follow=True).text
    assert "6 things belong to kim now." in page and "Nothing belongs to them." in page
    assert Consultation.objects.get().owner == kim
    assert set(Invitation.objects.exclude(subject="Over").values_list("created_by", flat=True)) == {
        kim.pk
    }
    assert ImportBatch.objects.get().created_by == kim
    assert RightsRequest.objects.get(closed_at=None).by == kim
    assert list(Team.objects.get().members.all()) == [kim]
    entries = ModelLogEntry.objects.filter(action="wagtail_engagement.work_given")
    assert entries.count() == 6 and entries[0].data == {"from": sam.pk, "to": kim.pk}


def test_what_a_deleted_colleague_leaves_is_nobodys_and_is_given_in_one_step(client, lead, sam):
    kim = colleague(*EVERYTHING, username="kim")
    sam.delete()
    assert "5 things belong to nobody" in client.get(url()).text
    nobody = reverse("wagtail_engagement_belongings_of_nobody")
    page = client.get(nobody)
    assert "What belongs to nobody" in page.text and "Has left" not in page.text
    given = client.post(nobody, {"things": keys_on(page), "to": "kim"}, follow=True).text
    assert "5 things belong to kim now." in given and "Everything belongs to somebody." in given
    assert Consultation.objects.get().owner == kim
    assert RightsRequest.objects.get(closed_at=None).by == kim
    entry = ModelLogEntry.objects.filter(action="wagtail_engagement.work_given")[0]
    assert entry.data == {"from": None, "to": kim.pk}


def test_publishing_again_does_not_give_a_consultation_back(client, lead, sam):
    kim = colleague(username="kim")
    row = Consultation.objects.get()
    client.post(url(sam.pk), {"things": [f"consultation:{row.pk}"], "to": "kim"})
    page_of(row).save_revision().publish()
    row.refresh_from_db()
    assert (row.owner, page_of(row).owner) == (kim, kim)


def test_only_what_is_ticked_is_given(client, lead, sam):
    kim = colleague(*EVERYTHING, username="kim")
    team = Team.objects.get()
    client.post(url(sam.pk), {"things": [f"team:{team.pk}"], "to": "KIM"})
    assert list(team.members.all()) == [kim]
    assert Consultation.objects.get().owner == sam


def test_nobody_is_given_what_they_have_no_permission_for(client, lead, sam):
    colleague("change_invitation", username="kim")
    keys = keys_on(client.get(url(sam.pk)))
    page = client.post(url(sam.pk), {"things": keys, "to": "kim"}).text
    assert "kim has no permission to deal with these: reminders that are planned" in page
    assert Consultation.objects.get().owner == sam


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter who takes it over."),
        ("nobody at all", "No other colleague here is called"),
        ("Robin", "Several colleagues fit: Robin Ash (ash) and Robin Elm (elm)."),
        ("Sam Lee", "No other colleague here is called"),
        ("an outsider", "No other colleague here is called"),
    ],
)
def test_a_name_has_to_fit_one_colleague(client, lead, sam, typed, said):
    for name in ("Ash", "Elm"):
        colleague(*EVERYTHING, username=name.lower(), first_name="Robin", last_name=name)
    UserFactory(username="an outsider")
    keys = keys_on(client.get(url(sam.pk)))
    assert said in client.post(url(sam.pk), {"things": keys, "to": typed}).text
    assert Consultation.objects.get().owner == sam


def test_what_is_not_theirs_cannot_be_given(client, lead, sam):
    colleague(*EVERYTHING, username="kim")
    foreign = RightsRequest.objects.create(kind="access")
    for things in ([], [f"request:{foreign.pk}"], ["nonsense"]):
        client.post(url(sam.pk), {"things": things, "to": "kim"})
    foreign.refresh_from_db()
    assert foreign.by is None and Consultation.objects.get().owner == sam


def test_the_list_of_colleagues_has_those_who_left_first_and_can_be_searched(client, lead, sam):
    ada = UserFactory(first_name="Ada")
    RightsRequest.objects.create(kind="access", by=ada)
    rows = [(row[1], row[2]) for row in client.get(url()).context["page"]]
    assert rows == [("Sam Lee", 6), ("Ada", 1)]
    assert [row[0] for row in client.get(url(), {"q": "ada"}).context["page"]] == [ada]


def test_a_sheet_with_rows_to_decide_still_belongs_to_somebody(client, lead):
    ada = UserFactory(first_name="Ada")
    batch = sheet(rows=["review"], status="finished", finished_at=timezone.now(), created_by=ada)
    assert keys_on(client.get(url(ada.pk))) == [f"import:{batch.pk}"]
    ImportRow.objects.update(decided_at=timezone.now())
    assert keys_on(client.get(url(ada.pk))) == []


def test_the_overview_says_what_still_belongs_to_somebody_who_has_left(login, council):
    sam = UserFactory(first_name="Sam", last_name="Lee")
    for _ in range(3):
        RightsRequest.objects.create(kind="access", by=sam, due_at=timezone.now() + DAY)
    said = "3 things belong to Sam Lee, who has left."
    lead = login("lead")
    assert said not in lead.get(OVERVIEW).text
    sam.is_active = False
    sam.save()
    assert said in lead.get(OVERVIEW).text
    assert said not in login("steward").get(OVERVIEW).text


def test_without_the_permission_nobody_sees_what_belongs_to_whom(client, sam):
    client.force_login(colleague(*EVERYTHING))
    answers = [client.get(url(sam.pk)), client.get(url())]
    assert [answer.headers["Location"] for answer in answers] == ["/admin/"] * 2
    client.post(url(sam.pk), {"things": ["team:1"], "to": "kim"})
    assert Team.objects.get().members.get() == sam
