import datetime

import pytest
from django.utils import timezone

from tests.factories import ParticipantFactory
from tests.site import add_consultation
from wagtail_engagement.invitations import sending
from wagtail_engagement.invitations.audience import Audience

DAY = datetime.timedelta(days=1)


@pytest.fixture
def consultation(db):
    """A consultation that is open, with its page."""
    return add_consultation().consultation


@pytest.fixture
def draft(consultation, admin_user):
    return sending.create_for(consultation=consultation, actor=admin_user, at=timezone.now())


@pytest.fixture
def people(db):
    """Five people who agreed to be invited."""
    return ParticipantFactory.create_batch(5, agreed=True)


@pytest.fixture
def start(draft, admin_user):
    """Start an invitation as an editor who saw the right number."""

    def start(invitation=draft):
        now = timezone.now()
        shown = Audience.of(invitation, at=now).counts().included
        return sending.start(invitation=invitation, shown_count=shown, actor=admin_user, at=now)

    return start


@pytest.fixture
def reader(db):
    """Somebody who chose to get invitations together."""
    return ParticipantFactory(agreed=True, summaries_since=timezone.now())


@pytest.fixture
def invite(db, admin_user):
    """Start an invitation to a consultation of its own that closes in some days."""

    def invite(title="Parks", closes_in=30, changes=None, **values):
        now = timezone.now()
        page = add_consultation(title=title, closes_at=now + closes_in * DAY, **values)
        draft = sending.create_for(consultation=page.consultation, actor=admin_user, at=now)
        for name, value in (changes or {}).items():
            setattr(draft, name, value)
        draft.save()
        shown = Audience.of(draft, at=now).counts().included
        return sending.start(invitation=draft, shown_count=shown, actor=admin_user, at=now)

    return invite
