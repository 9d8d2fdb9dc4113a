"""The demo's history, made by the command itself in a database of its own."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

MANAGE = Path(__file__).resolve().parents[2] / "example_site" / "manage.py"

FACTS = """
import json
from collections import Counter
from django.contrib.auth import authenticate
from django.test import Client
from django.utils import timezone
from demo.logins import LOGINS, PASSWORD
from wagtail.contrib.forms.models import FormSubmission
from wagtail.models import Page
from wagtail_engagement.consent import settling
from wagtail_engagement.models import *

now = timezone.now()
def permissions():
    fields = ("participant_id", "purpose", "consultation_id", "may_write", "reason", "since")
    return sorted(map(str, ContactPermission.objects.values_list(*fields)))
before = permissions()
settling.settle(list(Participant.objects.values_list("pk", flat=True)), at=now)
typed = sum(
    len(value) if isinstance(value, list) else 1
    for answers in ConsultationResponse.objects.values_list("answers", flat=True)
    for value in answers.values()
)
pages = Page.objects.filter(depth__gt=1)
print(json.dumps({
    "people": Participant.objects.count(),
    "responses": ConsultationResponse.objects.count(),
    "standings": sorted(set(ContactPermission.objects.values_list("reason", flat=True))),
    "suppressed": sorted(set(Suppression.objects.values_list("reason", flat=True))),
    "states": Counter(row.state_at(now) for row in Consultation.objects.all()),
    "sensitive": Consultation.objects.filter(is_sensitive=True).count(),
    "invitations": Counter(Invitation.objects.values_list("status", flat=True)),
    "waiting": Claim.objects.pending().filter(mail__isnull=False).count(),
    "held": ConsultationResponse.objects.filter(status="held").count(),
    "is_settled": before == permissions(),
    "typed": [typed, Answer.objects.count()],
    "unequal": [
        row.pk for row in Invitation.objects.all() if row.recipients != row.deliveries.count()
    ],
    "teams": [
        [team.members.count(), team.reply_to != "", team.invitations.count()]
        for team in Team.objects.all()
    ],
    "summaries": Participant.objects.exclude(summaries_since=None).count(),
    "in_doubt": Delivery.objects.filter(state="uncertain", invitation__status="paused").count(),
    "routes": sorted(set(ConsultationResponse.objects.values_list("route", flat=True))),
    "planned": [row.remind_days for row in Invitation.objects.filter(remind_days__isnull=False)],
    "leaver": Consultation.objects.filter(owner__is_active=False).count(),
    "submissions": FormSubmission.objects.count(),
    "later": ConsentEvent.objects.filter(at__gt=now).count(),
    "served": Counter(Client().get(p.url, headers={"host": "localhost"}).status_code for p in pages),
    "logins": [bool(authenticate(username=l.username, password=PASSWORD)) for l in LOGINS],
}))
"""
TALE = (
    "SELECT email, name, joined_at FROM wagtail_engagement_participant ORDER BY email",
    "SELECT reference, answers, submitted_at FROM wagtail_engagement_consultationresponse"
    " ORDER BY reference",
    "SELECT uuid, state, handed_at FROM wagtail_engagement_delivery ORDER BY uuid",
)


class Demo:
    def __init__(self, database):
        self.database = database
        self.environment = dict(
            os.environ,
            DJANGO_SETTINGS_MODULE="example_site.settings",
            DATABASE_URL=f"sqlite:///{database}",
        )

    def run(self, *command, status=0):
        done = subprocess.run(
            [sys.executable, MANAGE, *command], capture_output=True, text=True, env=self.environment
        )
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    def load(self, seed):
        self.run("load_demo", "--participants", "150", "--seed", str(seed))

    def tale(self):
        with closing(sqlite3.connect(self.database)) as database:
            return [database.execute(question).fetchall() for question in TALE]


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    demo = Demo(tmp_path_factory.mktemp("demo") / "empty.sqlite3")
    demo.run("migrate", "--verbosity", "0")
    return demo


@pytest.fixture(scope="module")
def demo(empty):
    loaded = another(empty, "loaded")
    loaded.load(seed=7)
    return loaded


@pytest.fixture(scope="module")
def facts(demo):
    return json.loads(demo.run("shell", "--no-imports", "-c", FACTS))


def another(empty, name):
    return Demo(shutil.copy(empty.database, empty.database.with_name(name)))


def test_every_state_of_a_consultation_and_of_an_invitation_is_there(facts):
    assert facts["states"] == {"planned": 2, "open": 4, "closed": 2, "answered": 4}
    assert facts["sensitive"] == 1
    assert facts["invitations"] == {"finished": 3, "paused": 1, "scheduled": 1, "draft": 1}


def test_two_teams_write_and_one_reminder_is_planned(facts):
    assert facts["teams"] == [[2, True, 2], [2, True, 2]]
    assert facts["planned"] == [5]


def test_people_arrive_by_links_that_were_passed_on_and_some_get_summaries(facts):
    assert {"invitation", "open", "partner"} <= set(facts["routes"])
    assert facts["summaries"] and facts["in_doubt"]


def test_a_colleague_has_left_and_an_old_form_waits_to_be_brought_in(facts):
    assert facts["leaver"] == 1
    assert facts["submissions"] == 7


def test_people_come_in_every_permission_state(facts):
    assert facts["standings"] == ["granted", "lapsed", "stopped", "undeliverable"]
    assert {"bounced", "complained", "objected", "unsubscribed", "erased"} <= set(
        facts["suppressed"]
    )
    assert facts["waiting"] and facts["held"]


def test_as_many_people_and_answers_as_were_asked_for(facts):
    assert 135 <= facts["people"] <= 150
    assert 400 <= facts["responses"] <= 460


def test_permissions_say_what_events_and_suppressions_say(facts):
    assert facts["is_settled"]


def test_typed_answers_invitations_and_times_are_true(facts):
    assert facts["typed"][0] == facts["typed"][1] > 0
    assert facts["unequal"] == []
    assert facts["later"] == 0


def test_every_page_is_served_and_everybody_can_log_in(facts):
    assert list(facts["served"]) == ["200"]
    assert facts["logins"] == [True] * 4


def test_the_same_seed_tells_the_same_story_and_another_seed_another(empty, demo):
    again, other = another(empty, "again"), another(empty, "other")
    again.load(seed=7)
    other.load(seed=8)
    assert demo.tale() == again.tale() != other.tale()


def test_data_that_is_there_is_left_alone(demo):
    before = demo.tale()
    assert "There is data in this database already" in demo.run("load_demo", status=1)
    assert demo.tale() == before
