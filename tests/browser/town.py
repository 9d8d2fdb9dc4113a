"""A town to visit: pages in every state, people, and the links in their mails."""

import uuid

from django.urls import reverse
from django.utils import timezone
from wagtail.models import Site

from tests import factories
from tests.site import DAY, EVERY_KIND, add_consultation, add_index, add_sign_up, block
from wagtail_engagement.consent.notices import EngagementSettings
from wagtail_engagement.participants import links

QUESTIONS = [
    *EVERY_KIND,
    block("text", "What is the street called?", required=True, hint="Where you live, or work."),
    block("single", "Do you cycle?", options=["Yes", "No"], required=True),
    block("date", "When did you move here?", required=True),
]


class Town:
    """The default site's shared words, a topic, and what a test asks for."""

    def __init__(self):
        self.topics = [factories.InterestFactory(name=name) for name in ("Cycling", "Parks")]
        EngagementSettings.objects.create(
            site=Site.objects.get(),
            organisation="Westmere Council",
            about_us="<p>The parks team of Westmere Council.</p>",
            privacy_notice="<p>We keep answers for two years.</p>",
            complaints="<p>Write to our <a href='/privacy/'>data protection officer</a>.</p>",
            other_ways="<p>Telephone 01632 960001.</p>",
        )

    def open(self, **values):
        """Publish an open consultation with every kind of question, some of them required."""
        values = {
            "questions": QUESTIONS,
            "ask_name": "optional",
            "contact": "01632 960002",
        } | values
        return add_consultation(
            interests=self.topics[:1],
            who_replies="The parks team",
            decision_expected_on=timezone.localdate() + 60 * DAY,
            body="<h2>Why we ask</h2><p>The meadow floods.</p>",
            **values,
        )

    def planned(self):
        now = timezone.now()
        return self.open(title="A planned one", opens_at=now + DAY, closes_at=now + 9 * DAY)

    def closed(self, **values):
        now = timezone.now()
        return self.open(opens_at=now - 9 * DAY, closes_at=now - DAY, **values)

    def answered(self):
        return self.closed(
            title="Mill Road",
            we_asked="<p>Whether to close it.</p>",
            you_said="<p>Close it.</p>",
            we_did="<p>We closed it.</p>",
        )

    def index(self):
        """A list with something in every state, so long that its closed ones need two pages."""
        page = add_index(introduction="<p>Tell us what you think.</p>")
        for made in (self.open(), self.planned(), self.answered()):
            made.move(page, pos="last-child")
        for number in range(21):
            closed_at = timezone.now() - (number + 2) * DAY
            add_consultation(
                parent=page,
                title=f"Street {number}",
                opens_at=closed_at - DAY,
                closes_at=closed_at,
                questions=[],
            )
        return page

    def sign_up(self):
        return add_sign_up(introduction="<p>We write when we ask about your topics.</p>")

    def person(self, **values):
        """Somebody who agreed to invitations, with a topic and an answer given."""
        values = {"agreed": True, "interests": self.topics[:1]} | values
        person = factories.ParticipantFactory(**values)
        factories.ConsultationResponseFactory(participant=person)
        return person

    def mailed(self, purpose, *, participant=None, message=None, **more):
        """The path of a link as a mail carries it."""
        facts = {"purpose": purpose, "uuid": message or uuid.uuid4()}
        person_id = participant.pk if participant else None
        row = links.row(**facts, at=timezone.now(), participant_id=person_id, **more)
        links.issue([row])
        return reverse(f"wagtail_engagement:{purpose}_link", args=[links.token(**facts)])

    def to_confirm(self):
        """A link to confirm what somebody ticked."""
        ticked = [self.topics[0].pk]
        claim = factories.ClaimFactory(both=True, mailed=True, interest_ids=ticked)
        return self.mailed("confirm", message=claim.mail.uuid)
