"""Our own invitation, read as if it had just come into a mailbox."""

import pytest
from django.core import mail

from wagtail_engagement import received
from wagtail_engagement.invitations import sending

pytestmark = pytest.mark.django_db


def test_an_invitation_as_we_hand_it_over_lacks_a_signature_alone(people, start):
    start()
    sending.work(owner="w")
    raw = mail.outbox[0].message().as_bytes(linesep="\r\n")
    found = received.look_at(raw, host="engage.example.gov.uk")
    bad = [line.about for line in found if line.verdict is received.Verdict.BAD]
    assert bad == ["DKIM"]
