"""Teams: who of the council writes, under which name, and who belongs to each."""

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests.factories import UserFactory
from wagtail_engagement.invitations import sending
from wagtail_engagement.models import Invitation, Team

from .test_screens import ALL, editor, login, typed, url
from .test_sending import work

pytestmark = pytest.mark.django_db
TEAM = {"name": "Parks", "sender_name": "Parks team", "reply_to": "parks@council.example.com"}
LISTED = reverse("wagtailsnippets_wagtail_engagement_invitation:list")


def screen(name, *args):
    return reverse(f"wagtail_engagement_teams:{name}", args=args)


def make_team(**changes):
    return Team.objects.create(**{**TEAM, **changes})


def filled(**changes):
    return {**TEAM, "mailbox": "", "cap_share": "", **changes}


def test_a_team_is_added_and_its_history_says_so(client):
    login(client, see=["manage_team"])
    client.post(screen("add"), filled(cap_share="2"))
    team = Team.objects.get()
    assert (team.sender_name, team.cap_share) == ("Parks team", 2)
    assert "Parks" in client.get(screen("index")).text
    assert client.get(screen("history", team.pk)).status_code == 200
    assert ModelLogEntry.objects.get(action="wagtail.create").object_id == str(team.pk)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("parks@council.example.com", "Enter a name, not an address."),
        ("https://council.example.com", "Enter a name, not an address."),
        ("www.council.example.com", "Enter a name, not an address."),
        ("Parks <x>", "Leave out &lt; and &gt;."),
        ("Parks\r\nBcc: x", "Leave out line breaks"),
        ("Parks\u202egnp", "Leave out line breaks"),
        ("Parks\u2028x", "Leave out line breaks"),
    ],
)
def test_a_sender_name_that_passes_for_something_else_is_refused(client, name, said):
    login(client, see=["manage_team"])
    assert said in client.post(screen("add"), filled(sender_name=name)).text
    assert not Team.objects.exists()


@pytest.mark.parametrize("share", ["0", "4"])
def test_a_share_is_within_the_councils_limit(client, settings, share):
    settings.WAGTAIL_ENGAGEMENT_CONTACT_CAP = 3
    login(client, see=["manage_team"])
    assert "leave it empty." in client.post(screen("add"), filled(cap_share=share)).text
    assert not Team.objects.exists()


def test_where_the_council_has_no_limit_a_share_may_be_any(client, settings):
    settings.WAGTAIL_ENGAGEMENT_CONTACT_CAP = 0
    login(client, see=["manage_team"])
    client.post(screen("add"), filled(cap_share="9"))
    assert Team.objects.get().cap_share == 9


def test_members_are_found_by_search_and_added_one_by_one(client):
    login(client, see=["manage_team"])
    team = make_team()
    lee = UserFactory(first_name="Lee", last_name="Marsh", superuser=True)
    UserFactory(first_name="Lee", last_name="Outsider")
    page = client.get(screen("members", team.pk), {"q": "lee"})
    assert [user for user, _name in page.context["found"]] == [lee]
    client.post(screen("members", team.pk), {"user": lee.pk})
    assert list(team.members.all()) == [lee]
    assert client.get(screen("members", team.pk), {"q": "lee"}).context["found"] == []
    client.post(screen("members", team.pk), {"user": lee.pk, "what": "remove"})
    assert not team.members.exists()
    done = ModelLogEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(done) == ["wagtail_engagement.team_joined", "wagtail_engagement.team_left"]


@pytest.mark.parametrize("number", ["", "x", "0", "9" * 30, "-1"])
def test_nonsense_in_place_of_a_colleague_adds_nobody(client, number):
    login(client, see=["manage_team"])
    team = make_team()
    assert client.post(screen("members", team.pk), {"user": number}).status_code == 404
    outsider = UserFactory()
    assert client.post(screen("members", team.pk), {"user": outsider.pk}).status_code == 404


def test_a_team_that_wrote_is_kept_and_one_that_never_did_goes(client, draft):
    login(client, see=["manage_team"])
    kept, gone = make_team(), make_team(name="Roads")
    Invitation.objects.update(team=kept)
    for team in (kept, gone):
        page = client.post(screen("delete", team.pk), follow=True).text
    assert list(Team.objects.all()) == [kept] and "deleted" in page
    page = client.get(screen("delete", kept.pk), follow=True).text
    assert "1 invitation bears the name of this team" in page


def test_without_the_permission_there_are_no_screens_of_teams(client, draft):
    login(client, *ALL)
    team = make_team()
    Invitation.objects.update(team=team)
    names = ("edit", "delete", "history", "members")
    answers = [client.get(screen(name, team.pk)) for name in names] + [client.get(screen("index"))]
    refused = [a.status_code == 403 or a.headers.get("Location") == "/admin/" for a in answers]
    assert all(refused)
    client.post(screen("delete", team.pk))
    assert Team.objects.exists()


def test_an_invitation_offers_ones_own_teams_first_and_no_dissolved_ones(client, draft):
    user = login(client, *ALL)
    own, other = make_team(name="Roads"), make_team(name="Arts")
    make_team(name="Gone", is_dissolved=True)
    own.members.add(user)
    choices = client.get(editor(draft)).context["form"].fields["team"].choices
    assert choices == [
        ("", "The council itself"),
        ("Your teams", [(own.pk, "Roads")]),
        ("Other teams", [(other.pk, "Arts")]),
    ]


def test_where_there_are_no_teams_none_is_asked_for(client, draft):
    login(client, *ALL)
    assert 'name="team"' not in client.get(editor(draft)).text
    client.post(editor(draft), typed(draft, subject="Saved all the same"))
    assert Invitation.objects.get().subject == "Saved all the same"


def test_a_dissolved_team_stays_with_the_draft_that_bears_it(client, draft):
    login(client, *ALL)
    team = make_team(is_dissolved=True)
    Invitation.objects.update(team=team)
    client.post(editor(draft), typed(draft, team=team.pk))
    assert Invitation.objects.get().team == team


def test_a_draft_begins_with_a_team_of_its_author_and_of_the_owner_before_others(consultation):
    author, owner = UserFactory(), UserFactory()
    teams = [make_team(name=name) for name in ("Arts", "Roads", "Waste")]
    consultation.owner = owner
    now = timezone.now()
    found = []
    for members in (("Waste", owner), ("Arts", author), ("Roads", author), ("Roads", owner)):
        next(team for team in teams if team.name == members[0]).members.add(members[1])
        draft = sending.create_for(consultation=consultation, actor=author, at=now)
        found.append(draft.team.name)
    assert found == ["Waste", "Arts", "Arts", "Roads"]


def test_what_is_sent_and_tested_bears_the_name_of_the_team(client, draft, people, start):
    user = login(client, *ALL)
    Invitation.objects.update(team=make_team())
    draft.refresh_from_db()
    assert "answers go to parks@council.example.com" in client.get(editor(draft)).text
    client.post(url("test", draft.pk), {"to": user.pk})
    start()
    work()
    senders = {message.from_email for message in mail.outbox}
    assert len(mail.outbox) == 6 and len(senders) == 1 and "Parks team" in senders.pop()
    assert {tuple(m.reply_to) for m in mail.outbox} == {("parks@council.example.com",)}


def test_the_list_of_invitations_can_be_cut_to_one_team(client, draft, consultation):
    login(client, *ALL)
    team = make_team()
    other = sending.follow_up(invitation=draft, actor=None, at=timezone.now())
    Invitation.objects.filter(pk=other.pk).update(team=team, subject="Of the team")
    page = client.get(LISTED, {"team": team.pk}).text
    assert "Of the team" in page and draft.subject not in page


def test_the_roles_may_run_teams_or_not(client):
    from wagtail_engagement.management.commands.engagement_roles import ROLES

    may = {name for name, codes in ROLES.items() if {"manage_team", "reassign_work"} <= codes}
    assert may == {"Engagement lead", "Engagement all-in-one"}
    assert Permission.objects.filter(codename__in=["manage_team", "reassign_work"]).count() == 2


def test_a_new_team_leads_on_to_its_members(client):
    login(client, see=["manage_team"])
    assert screen("add") in client.get(screen("index")).text
    shown = client.post(screen("add"), filled(), follow=True)
    assert shown.request["PATH_INFO"] == screen("members", Team.objects.get().pk)
    assert "Members of Parks" in shown.text and "Nobody yet." in shown.text
