import pytest
from django.utils import timezone

from tests.factories import ParticipantFactory, UserFactory
from tests.site import add_consultation
from wagtail_engagement.invitations import sending
from wagtail_engagement.invitations.audience import Audience


@pytest.fixture
def path(settings, tmp_path):
    """A site that keeps a journal; where it is."""
    settings.WAGTAIL_ENGAGEMENT_JOURNAL = str(tmp_path / "journal.jsonl")
    return tmp_path / "journal.jsonl"


@pytest.fixture
def people(db):
    return ParticipantFactory.create_batch(6, agreed=True)


@pytest.fixture
def invite(people):
    """Start an invitation to everybody who may be invited."""

    def invite(consultation=None):
        at, editor = timezone.now(), UserFactory()
        about = consultation or add_consultation().consultation
        draft = sending.create_for(consultation=about, actor=editor, at=at)
        shown = Audience.of(draft, at=at).counts().included
        return sending.start(invitation=draft, shown_count=shown, actor=editor, at=at)

    return invite
