"""A worker that dies at each single step, and what is true afterwards (sending.md 7.6, 2).

The worker is a child process that ends at once, as SIGKILL would, at the n-th time that it comes to
a point. Afterwards another goes on once the lease is over.
"""

import datetime
import os

import django
import pytest
from django.db import connections
from django.utils import timezone

from tests.factories import ParticipantFactory, UserFactory
from tests.fault_server import FaultServer
from tests.site import add_consultation
from wagtail_engagement.invitations import handing, ledger, limiting, running, sending, summaries
from wagtail_engagement.line import Line
from wagtail_engagement.models import Delivery, Invitation

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
SMTP = "django.core.mail.backends.smtp.EmailBackend"
LATER = datetime.timedelta(hours=1)
# Where the worker dies, before or after what, and at which times of five that leaves somebody in
# doubt. The outcome of a message is noted with the mark of the next, or at the end.
POINTS = {
    "before claim": (handing, "_claim", "before", ()),
    "after claim": (handing, "_claim", "after", ()),
    "after the limit": (limiting, "take", "after", ()),
    "before mark": (ledger, "turn", "before", (2, 3, 4, 5)),
    "after mark": (ledger, "turn", "after", (1, 2, 3, 4, 5)),
    "before call": (Line, "hand_over", "before", (1, 2, 3, 4, 5)),
    "after call": (Line, "hand_over", "after", (1, 2, 3, 4, 5)),
    "before the last note": (ledger, "note", "before", (1,)),
    "after the last note": (ledger, "note", "after", ()),
}


@pytest.fixture
def server(settings):
    with FaultServer() as running:
        if django.VERSION >= (6, 1):
            options = {"host": "127.0.0.1", "port": running.port}
            settings.MAILERS = {"default": {"BACKEND": SMTP, "OPTIONS": options}}
        else:
            settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP, "127.0.0.1"
            settings.EMAIL_PORT = running.port
        yield running


@pytest.fixture
def invitation(server):
    for number in range(5):
        ParticipantFactory(agreed=True, email=f"person{number}@example.com")
    now, editor = timezone.now(), UserFactory()
    draft = sending.create_for(consultation=add_consultation().consultation, actor=editor, at=now)
    return sending.start(invitation=draft, shown_count=5, actor=editor, at=now)


def die_at(where, name, when, number, work=sending.work, **options):
    """Run a worker in a process of its own that ends at a point, and wait for its end."""
    connections.close_all()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    real, times = getattr(where, name), []

    def deadly(*args, **more):
        times.append(name)
        if when == "before" and len(times) == number:
            os._exit(9)
        result = real(*args, **more)
        if len(times) == number:
            os._exit(9)
        return result

    setattr(where, name, deadly)
    try:
        work(owner="the first", **options)
    finally:
        os._exit(0)


@pytest.mark.parametrize("number", [1, 2, 3, 5])
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_may_die_at_any_point(invitation, server, point, number):
    where, name, when, in_doubt_at = POINTS[point]
    died = die_at(where, name, when, number) == 9
    for _round in range(3):
        sending.work(owner="the second", at=timezone.now() + LATER)
    rows = invitation.deliveries.values_list("state", "participant__email")
    in_doubt = {email for state, email in rows if state == "uncertain"}
    sent = {email for state, email in rows if state == "accepted"}
    assert set(server.accepted.values()) == {1}
    assert sent <= set(server.accepted) <= sent | in_doubt and len(sent | in_doubt) == 5
    assert len(in_doubt) == (died and number in in_doubt_at)
    assert Invitation.objects.get().status == "finished"


@pytest.fixture
def summaries_due(server):
    """Three people with two invitations each, which wait for one day."""
    now, editor = timezone.now(), UserFactory()
    for number in range(3):
        ParticipantFactory(agreed=True, email=f"person{number}@example.com", summaries_since=now)
    for title in ("Parks", "Bins"):
        page = add_consultation(title=title)
        draft = sending.create_for(consultation=page.consultation, actor=editor, at=now)
        sending.start(invitation=draft, shown_count=3, actor=editor, at=now)
    return now + datetime.timedelta(days=3)


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_may_die_at_any_point_of_a_summary(summaries_due, server, point, number):
    where, name, when, in_doubt_at = POINTS[point]
    where = summaries if name == "_claim" else where
    died = die_at(where, name, when, number, summaries.work, at=summaries_due) == 9
    for hours in (1, 2, 3):
        running.recover(at=summaries_due + hours * LATER)
        summaries.work(owner="the second", at=summaries_due + hours * LATER)
    rows = Delivery.objects.order_by("participant").values_list("participant__email", "state")
    told = {email: {state for who, state in rows if who == email} for email, _state in rows}
    assert all(len(states) == 1 for states in told.values())
    assert set(server.accepted.values()) == {1}
    in_doubt = [email for email, states in told.items() if states == {"uncertain"}]
    assert len(in_doubt) == (died and number in in_doubt_at)
    assert {email for email in told if email not in in_doubt} <= set(server.accepted)
