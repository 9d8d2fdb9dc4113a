"""The worker's command and what it says about itself."""

import datetime
import io
import json
from types import SimpleNamespace

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import timezone

from tests.factories import (
    ClaimFactory,
    ConsentEventFactory,
    ConsultationResponseFactory,
    DeliveryFactory,
)
from wagtail_engagement import work
from wagtail_engagement.consent import settling
from wagtail_engagement.invitations import limiting
from wagtail_engagement.management.commands import engagement_status, engagement_work
from wagtail_engagement.models import Invitation, ProviderEvent, WorkerSign

pytestmark = pytest.mark.django_db


def status(*options):
    out = io.StringIO()
    call_command("engagement_status", *options, stdout=out)
    return out.getvalue()


def test_once_does_everything_that_is_due_and_ends(people, start):
    start()
    claim = ClaimFactory()
    held = ConsultationResponseFactory(held=True, held_until=timezone.now())
    call_command("engagement_work", once=True)
    held.refresh_from_db()
    assert {message.to[0] for message in mail.outbox} == {p.email for p in people} | {claim.email}
    assert held.status == "counted"
    assert Invitation.objects.get().status == "finished"


def test_each_round_is_a_sign_of_life_and_old_signs_go():
    WorkerSign.objects.create(name="old", seen_at=timezone.now() - datetime.timedelta(days=2))
    for _ in range(2):
        work.drain(owner="me")
    assert [sign.name for sign in WorkerSign.objects.all()] == ["me"]


def test_a_fault_in_one_part_does_not_keep_the_others_waiting(people, start, monkeypatch, caplog):
    def fails(**_):
        raise RuntimeError("somebody@example.com")

    monkeypatch.setattr(work.registry, "expire", fails)
    start()
    assert work.drain(owner="me")["invitations"] == 5
    assert "claims" in caplog.text and "somebody@example.com" not in caplog.text


def test_the_loop_outlives_a_database_that_is_gone_for_a_while(monkeypatch):
    rounds = []

    class Stop:
        def is_set(self):
            return len(rounds) == 3

        def wait(self, seconds):
            rounds.append(seconds)

    def fails(**_):
        raise DatabaseError("gone")

    monkeypatch.setattr(engagement_work.work, "drain", fails)
    monkeypatch.setattr(engagement_work.connections, "close_all", lambda: None)
    monkeypatch.setattr(engagement_work, "close_old_connections", lambda: None)
    engagement_work._until_told_to_stop("me", Stop())
    assert rounds == [10, 20, 40]


def test_every_worker_has_a_name_of_its_own():
    names = {work.new_owner() for _ in range(50)}
    assert len(names) == 50 and max(map(len, names)) <= 60


def test_the_status_of_a_database_that_is_away_is_one_line(monkeypatch):
    def away(at):
        raise DatabaseError("no such table")

    monkeypatch.setattr(engagement_status.queries, "status", away)
    with pytest.raises(CommandError, match="cannot be read"):
        status("--json")


def test_the_status_says_in_words_what_waits():
    assert "No worker has run yet" in status()
    work.drain(owner="me")
    DeliveryFactory(state="uncertain")
    ClaimFactory()
    said = status()
    assert "A worker was last seen" in said
    assert "Confirmation emails waiting: 1" in said
    assert "We cannot tell if 1 arrived" in said


def test_the_status_tells_of_agreements_that_ended_without_a_question():
    old = ConsentEventFactory(at=timezone.now() - datetime.timedelta(days=735))
    settling.settle([old.participant_id], at=timezone.now())
    assert "for no worker ran or no mail left: 1" in status()


def test_the_status_tells_of_reports_that_no_worker_has_applied():
    ProviderEvent.objects.create(key="x", provider="Postmark")
    assert "Reports of the mail provider waiting: 1" in status()
    assert json.loads(status("--json"))["reports_waiting"] == 1


def test_the_status_for_machines_has_every_number():
    now = timezone.now()
    DeliveryFactory(state="leased", lease_until=now + datetime.timedelta(seconds=90))
    found = json.loads(status("--json"))
    assert found["deliveries"]["leased"] == 1
    assert found["oldest_lease_age"] > 0
    assert (found["uncertain"], found["worker_seen_at"]) == (0, None)


def test_the_status_says_how_fast_it_goes_and_what_the_mail_server_said(people, start, settings):
    start()
    work.drain(owner="me")
    found = json.loads(status("--json"))
    assert (found["queue"], found["workers"]) == (0, 1) and found["rate"] > 0
    limiting.wait(reason="421 too busy", at=timezone.now())
    assert json.loads(status("--json"))["mail_server_trouble"] == "421 too busy"
    assert "The mail server takes nothing until" in status()


@pytest.mark.parametrize("deaf_to", [0, 1])  # signals, while it is starting
def test_several_workers_are_started_anew_when_they_die_and_stopped_together(
    monkeypatch, db, deaf_to
):
    ends = iter([1, None, None])
    alive = []

    class Process:
        def __init__(self, target):
            self.exitcode = next(ends)
            self.signals = 0
            alive.append(self)

        def start(self): ...

        def is_alive(self):
            return self.exitcode is None

        def terminate(self):
            self.signals += 1
            if self.exitcode is None and self.signals > deaf_to:
                self.exitcode = -15

        def join(self, timeout=None):
            assert timeout or self.exitcode, "it waits for ever for one that has not heard"

    class Stop:
        rounds = iter([False, False, True])
        wait = staticmethod(lambda seconds: None)

        def is_set(self):
            return next(self.rounds)

    context = SimpleNamespace(Process=Process)
    monkeypatch.setattr(engagement_work.multiprocessing, "get_context", lambda kind: context)
    monkeypatch.setattr(engagement_work.connections, "close_all", lambda: None)
    engagement_work._several(2, Stop())
    assert [process.exitcode for process in alive] == [1, -15, -15]
