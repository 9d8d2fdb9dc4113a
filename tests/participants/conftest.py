import uuid

import pytest
from django.utils import timezone

from tests import factories
from wagtail_engagement.participants import links


@pytest.fixture
def person(db):
    """Somebody who may be invited."""
    return factories.ParticipantFactory(email="ada@example.com", agreed=True)


@pytest.fixture
def link_to(person):
    """Mail the person a link for a purpose; return its path."""

    def link_to(purpose, owner=person):
        message = uuid.uuid4()
        links.issue(
            [links.row(purpose=purpose, uuid=message, at=timezone.now(), participant_id=owner.pk)]
        )
        address = links.url(purpose, links.token(purpose=purpose, uuid=message))
        return address.removeprefix("https://engage.example.gov.uk")

    return link_to
