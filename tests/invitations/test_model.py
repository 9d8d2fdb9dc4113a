"""Any order of sends, deaths, pauses, leavers and reports, held against what may never happen.

A machine picks the steps; after each of them the promises of sending.md 7.2 must hold.
"""

import datetime
import os
import smtplib

import pytest
from anymail.signals import AnymailTrackingEvent
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.factories import ParticipantFactory
from tests.site import add_consultation
from wagtail_engagement import mail
from wagtail_engagement.consent import barring
from wagtail_engagement.invitations import handing, ledger, limiting, receiving, sending, tracking
from wagtail_engagement.line import Line
from wagtail_engagement.models import Delivery, Invitation

PEOPLE = 5
FEW = st.integers(1, 2)
MINUTES = st.sampled_from([0, 30, 3000])
who = st.integers(0, PEOPLE - 1)
ANSWERS = {
    "yes": None,
    "no": smtplib.SMTPRecipientsRefused({"x": (550, b"no")}),
    "later": smtplib.SMTPRecipientsRefused({"x": (451, b"busy")}),
    "turned away": smtplib.SMTPDataError(454, b"Throttling failure"),
    "silence": TimeoutError("no answer"),
}


class Killed(BaseException):
    """The worker is no more; what it would have tidied up stays."""


class City(RuleBasedStateMachine):
    """Five people, one invitation, one mail server that remembers what it got."""

    @initialize()
    def begin(self):
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.now = timezone.now()
        self.people = ParticipantFactory.create_batch(PEOPLE, agreed=True)
        self.consultation = add_consultation(
            closes_at=self.now + datetime.timedelta(days=900)
        ).consultation
        draft = sending.create_for(consultation=self.consultation, actor=None, at=self.now)
        self.invitation = sending.start(
            invitation=draft, shown_count=PEOPLE, actor=None, at=self.now
        )
        self.got, self.gone, self.answer, self.dies, self.round = [], {}, "yes", None, 0

    def teardown(self):
        if hasattr(self, "undo"):
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    # What may happen

    @rule(answer=st.sampled_from(["yes", *ANSWERS]), limit=FEW, minutes=MINUTES)
    def send(self, answer, limit, minutes):
        self.answer = answer
        self._work(limit, minutes)

    @rule(dies=st.sampled_from(["before", "after"]), limit=FEW, minutes=MINUTES)
    def die_while_sending(self, dies, limit, minutes):
        self.answer, self.dies = "yes", dies
        self._work(limit, minutes)
        self.dies = None

    @rule(person=who)
    def leave(self, person):
        address = self.people[person].email
        barring.suppress(address=address, reason="objected", at=self.now)
        self.gone.setdefault(address, self.got.count(address))

    @rule(person=who, kind=st.sampled_from(["delivered", "bounced", "complained", "sent"]))
    def report(self, person, kind):
        row = self.invitation.deliveries.get(participant=self.people[person])
        if row.state in ("pending", "leased", "skipped"):
            return  # A provider reports what it got.
        receiving.store(
            AnymailTrackingEvent(
                event_type=kind,
                metadata={"delivery": str(row.uuid)},
                esp_event={"Type": "HardBounce"},
                **dict.fromkeys(("message_id", "recipient", "reject_reason")),
            ),
            provider="Postmark",
            at=self.now,
        )
        tracking.work(at=self.now)

    @rule(what=st.sampled_from([sending.pause, sending.resume]))
    def turn(self, what):
        try:
            what(invitation=Invitation.objects.get(), actor=None, at=self.now)
        except sending.NotPossible:
            pass

    @precondition(lambda self: self.round > 4)
    @rule()
    def stop(self):
        try:
            sending.stop(invitation=Invitation.objects.get(), actor=None, at=self.now)
        except sending.NotPossible:
            pass

    def _work(self, limit, minutes):
        self.round += 1
        self.now += datetime.timedelta(minutes=minutes)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Line, "ready", lambda line: None)
            patch.setattr(Line, "takes_bytes", False)
            patch.setattr(Line, "hand_over", lambda line, message: self._take(message, patch))
            try:
                sending.work(owner=f"worker {self.round}", at=self.now, limit=limit)
            except Killed:
                pass

    def _take(self, message, patch):
        if self.dies:
            for place, name in ((ledger, "note"), (handing, "_release"), (limiting, "give_back")):
                patch.setattr(place, name, lambda *args, **options: None)
        if self.dies == "before":
            raise Killed
        error = ANSWERS[self.answer]
        if error is None or self.answer == "silence":
            self.got.append(message.to[0])
        if self.dies == "after":
            raise Killed
        if error is None:
            return mail.Receipt(mail.Verdict.ACCEPTED)
        return mail.Receipt(mail.verdict_of(error), reason=self.answer)

    # What must hold

    @invariant()
    def nobody_gets_two(self):
        if hasattr(self, "got"):
            assert len(self.got) == len(set(self.got))

    @invariant()
    def nobody_is_lost(self):
        if hasattr(self, "got"):
            states = dict(self.invitation.deliveries.values_list("participant__email", "state"))
            assert len(states) == PEOPLE
            never = {"pending", "leased", "skipped", "refused"}
            assert all(states[address] not in never for address in self.got)

    @invariant()
    def nobody_who_left_is_written_to(self):
        for address, copies in getattr(self, "gone", {}).items():
            assert self.got.count(address) == copies

    @invariant()
    def it_is_over_when_nobody_waits(self):
        if hasattr(self, "got") and Invitation.objects.get().status == "finished":
            assert not Delivery.objects.live().exists()


@pytest.mark.django_db
def test_no_order_of_events_breaks_a_promise():
    unhurried = settings(
        max_examples=int(os.environ.get("ORDERS", 25)),
        # The same orders each time, so that a change is judged by itself; ORDERS=500 tries others.
        derandomize="ORDERS" not in os.environ,
        stateful_step_count=12,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],  # Shrinking takes minutes; the seed is printed.
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(City, settings=unhurried)
