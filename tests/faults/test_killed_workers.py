"""Real workers, a real mail server, and SIGKILL at moments nobody chose (E06, R03)."""

import os
import random
import signal
import subprocess
import sys

import pytest
from django.db import connection
from django.utils import timezone

from tests.factories import UserFactory
from tests.fault_server import FaultServer
from tests.site import add_consultation
from wagtail_engagement.invitations import sending
from wagtail_engagement.models import (
    ContactPermission,
    Delivery,
    Invitation,
    Participant,
    SendingLimit,
)

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
KILLS = int(os.environ.get("FAULT_KILLS", 5))
PEOPLE = int(os.environ.get("FAULT_PEOPLE", 200))
WORKERS = 4


def invite(addresses):
    """Start an invitation to a register of these addresses."""
    now = timezone.now()
    people = [Participant(email=address, address_key=address) for address in addresses]
    Participant.objects.bulk_create(people)
    granted = {"purpose": "invite", "may_write": True, "reason": "granted", "since": now}
    ContactPermission.objects.bulk_create(
        ContactPermission(participant=person, **granted) for person in people
    )
    editor = UserFactory()
    draft = sending.create_for(consultation=add_consultation().consultation, actor=editor, at=now)
    return sending.start(invitation=draft, shown_count=len(people), actor=editor, at=now)


def worker(server, *options):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
        "FAULT_DATABASE": str(connection.settings_dict["NAME"]),
        "FAULT_PORT": str(server.port),
    }
    command = [sys.executable, "-m", "django", "engagement_work", *options]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)


def until_all_rest(server):
    """Let one worker after another finish what is left; leases have to run out meanwhile."""
    for _round in range(40):
        if not Delivery.objects.live().exclude(retry_at__gt=timezone.now()).exists():
            return
        SendingLimit.objects.update(wait_until=None)  # Minutes, where a test has seconds.
        assert worker(server, "--once").wait() == 0
    pytest.fail("something was never settled")


def addresses_in(*states):
    rows = Delivery.objects.filter(state__in=states)
    return set(rows.values_list("participant__email", flat=True))


def test_nobody_is_lost_and_nobody_gets_two_when_workers_are_killed():
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # pytest shows it when this fails
    chance = random.Random(seed)
    invite(f"person{number}@example.com" for number in range(PEOPLE))
    with FaultServer() as server:
        workers = [worker(server) for _ in range(WORKERS)]
        for moment in sorted(chance.sample(range(1, PEOPLE * 3 // 4), KILLS)):
            server.wait_for(moment)
            victim = chance.randrange(WORKERS)
            workers[victim].kill()
            workers[victim].wait()
            workers[victim] = worker(server)
        for survivor in workers:
            survivor.send_signal(signal.SIGTERM)
            assert survivor.wait() in (0, -signal.SIGTERM)  # the latter if it was just starting
        until_all_rest(server)
    assert set(server.accepted.values()) == {1}
    sent, unknown = addresses_in("accepted"), addresses_in("uncertain")
    assert len(sent) + len(unknown) == PEOPLE
    assert sent <= set(server.accepted) <= sent | unknown
    assert len(unknown) <= KILLS
    assert Invitation.objects.get().status == "finished"


def test_a_rude_server_leaves_everybody_with_one_true_state():
    kinds = {"person": "accepted", "refuse": "refused", "busy": "pending", "reset": "uncertain"}
    invite(f"{kind}{number}@example.com" for kind in kinds for number in range(3))
    with FaultServer() as server:
        until_all_rest(server)
    for kind, state in kinds.items():
        assert addresses_in(state) == {f"{kind}{number}@example.com" for number in range(3)}
    assert set(server.accepted.values()) == {1}
    assert set(server.accepted) == addresses_in("accepted", "uncertain")


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite's one lock may be held by the frozen worker"
)
def test_a_worker_that_is_frozen_past_its_lease_sends_nobody_a_second_copy():
    invite(f"person{number}@example.com" for number in range(PEOPLE))
    with FaultServer() as server:
        frozen = worker(server)
        server.wait_for(PEOPLE // 4)
        frozen.send_signal(signal.SIGSTOP)
        until_all_rest(server)
        frozen.send_signal(signal.SIGCONT)
        frozen.terminate()
        assert frozen.wait() == 0
    assert set(server.accepted.values()) == {1}
    assert addresses_in("accepted", "uncertain") >= set(server.accepted)
    assert len(addresses_in("accepted")) + len(addresses_in("uncertain")) == PEOPLE
    assert len(addresses_in("uncertain")) <= 1


def test_a_server_that_hangs_or_turns_everybody_away_for_a_while_loses_nobody():
    kinds = {"person": "accepted", "storm": "accepted", "hang": "uncertain"}
    invite(
        ["hang1@example.com", *(f"{k}{n}@example.com" for k in list(kinds)[:2] for n in range(4))]
    )
    with FaultServer() as server:
        until_all_rest(server)
    assert addresses_in("uncertain") == {"hang1@example.com"}
    assert len(addresses_in("accepted")) == 8
    assert set(server.accepted.values()) == {1}


def test_a_worker_that_is_told_to_stop_gives_back_what_it_holds():
    invite(f"person{number}@example.com" for number in range(PEOPLE))
    with FaultServer() as server:
        stopped = worker(server)
        server.wait_for(3)
        stopped.terminate()
        assert stopped.wait() == 0
    assert addresses_in("accepted") == set(server.accepted)
    assert not addresses_in("leased", "handing", "uncertain")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server to restart")
def test_a_worker_survives_the_restart_of_its_database():
    invite(f"person{number}@example.com" for number in range(PEOPLE))
    with FaultServer() as server:
        running = worker(server)
        server.wait_for(3)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        server.wait_for(PEOPLE - 1)
        running.terminate()
        assert running.wait() == 0
        until_all_rest(server)
    assert set(server.accepted.values()) == {1}
    assert len(addresses_in("uncertain")) <= 1
    assert len(addresses_in("accepted", "uncertain")) == PEOPLE
