"""Many people in one call to a provider: each gets what is theirs, and nobody learns of another."""

import html
import json
import re

import pytest
import requests

from tests.factories import ParticipantFactory
from wagtail_engagement.models import Invitation, Link
from wagtail_engagement.participants import links

from .test_sending import reasons, states, work

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::UserWarning")]
BATCHES = ["mailgun", "sendgrid", "mailjet"]
KEYS = {
    "MAILGUN_API_KEY": "x",
    "SENDGRID_API_KEY": "x",
    "MAILJET_API_KEY": "x",
    "MAILJET_SECRET_KEY": "x",
    "POSTMARK_SERVER_TOKEN": "x",
    "BREVO_API_KEY": "x",
    "RESEND_API_KEY": "x",
    "MAILTRAP_API_TOKEN": "x",
}


class Provider:
    """What a provider was sent, taken apart as it would be for each person; and what it answers."""

    def __init__(self, name):
        self.name = name
        self.calls = []
        self.answers = []

    def request(self, session, method, url, **sent):
        self.calls.append(sent)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.status_code, body = answer or (200, self.yes(sent))
        response.headers["Content-Type"] = "application/json"
        response._content = json.dumps(body).encode()
        return response

    def yes(self, sent):
        if self.name == "mailgun":
            return {"id": "<1@mailgun>", "message": "Queued. Thank you."}
        if self.name == "mailjet":
            messages = json.loads(sent["data"])["Messages"]
            return {"Messages": [self.taken(one["To"][0]["Email"]) for one in messages]}
        known = {"postmark": "MessageID", "brevo": "messageId", "resend": "id"}
        said = {known.get(self.name, "id"): "1", "success": True, "message_ids": ["1"]}
        return {**said, "ErrorCode": 0, "Message": "OK", "To": "somebody@example.com"}

    @staticmethod
    def taken(address):
        return {"Status": "success", "To": [{"Email": address, "MessageID": f"id of {address}"}]}

    def messages(self):
        """By address: text, HTML, headers and metadata as the person gets them."""
        found = {}
        for sent in self.calls:
            found |= getattr(self, f"_{self.name}")(sent["data"])
        return found

    def _mailgun(self, data):
        values = json.loads(data["recipient-variables"])

        def fill(text, own):
            return re.sub(r"%recipient\.([^%]+)%", lambda hole: own[hole[1]], text)

        return {
            address: (
                fill(data["text"], values[address]),
                fill(data["html"], values[address]),
                {k[2:]: fill(v, values[address]) for k, v in data.items() if k[:2] == "h:"},
                fill(data["v:delivery"], values[address]),
            )
            for address in data["to"]
        }

    def _sendgrid(self, body):
        data = json.loads(body)

        def fill(text, own):
            for hole, value in own.items():
                text = text.replace(hole, value)
            return text

        texts = [part["value"] for part in data["content"]]
        return {
            part["to"][0]["email"]: (
                *(fill(text, part["substitutions"]) for text in texts),
                part["headers"],
                part["custom_args"]["delivery"],
            )
            for part in data["personalizations"]
        }

    def _mailjet(self, body):
        data = json.loads(body)

        def fill(text, own):
            return re.sub(r"\[\[var:(\w+)\]\]", lambda hole: own[hole[1]], text)

        return {
            one["To"][0]["Email"]: (
                fill(data["Globals"]["TextPart"], one["Variables"]),
                fill(data["Globals"]["HTMLPart"], one["Variables"]),
                one["Headers"],
                json.loads(one["EventPayload"])["delivery"],
            )
            for one in data["Messages"]
        }


@pytest.fixture
def through(settings, monkeypatch):
    """Send through a provider of whom nothing but the HTTP is replaced."""

    def through(name, at_once=10):
        path = f"anymail.backends.{name}.EmailBackend"
        if hasattr(settings, "MAILERS"):
            settings.MAILERS = {"default": {"BACKEND": path}}
        else:
            settings.EMAIL_BACKEND = path
        settings.ANYMAIL = {**settings.ANYMAIL, **KEYS}
        settings.WAGTAIL_ENGAGEMENT_BATCH_CALLS = True
        settings.WAGTAIL_ENGAGEMENT_IN_DOUBT = at_once
        provider = Provider(name)
        monkeypatch.setattr(requests.Session, "request", lambda *a, **k: provider.request(*a, **k))
        return provider

    return through


def of(invitation):
    return {row.participant.email: row for row in invitation.deliveries.all()}


@pytest.mark.parametrize("name", BATCHES)
def test_one_call_brings_everybody_their_own_links_and_nobody_elses(name, people, start, through):
    provider, invitation = through(name), start()
    assert work() == 5
    assert len(provider.calls) == 1 and states(invitation) == ["accepted"] * 5
    rows, messages = of(invitation), provider.messages()
    assert set(messages) == set(rows)
    for address, (text, in_html, headers, metadata) in messages.items():
        row = rows[address]
        assert metadata == str(row.uuid)
        own = {p: links.carried(purpose=p, uuid=row.uuid, key_id=row.key_id) for p in Link.Purpose}
        leave, choices = (links.url(p, own[p]) for p in ("leave", "choices"))
        assert headers["List-Unsubscribe"] == f"<{leave}>"
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        for said in (text, html.unescape(in_html)):
            assert leave in said and choices in said and f"&a={own['answer']}" in said
            assert sorted(set(re.findall(r"/[lp]/([\w-]{43})/", said))) == sorted(
                [own["leave"], own["choices"]]
            )


@pytest.mark.parametrize("name", BATCHES)
def test_what_one_person_gets_is_what_they_get_alone(name, people, start, through, settings):
    together, invitation = through(name), start()
    work()
    row = invitation.deliveries.first()
    text, in_html, _headers, _id = together.messages()[row.participant.email]
    alone = through(name)
    settings.WAGTAIL_ENGAGEMENT_BATCH_CALLS = False
    Invitation.objects.update(status="sending", finished_at=None)
    invitation.deliveries.filter(pk=row.pk).update(state="pending", owner="", attempt=0)
    assert work() == 1
    sent = alone.calls[0]["data"]
    written = json.dumps(sent if name == "mailgun" else json.loads(sent))
    assert json.dumps(text)[1:-1] in written and json.dumps(in_html)[1:-1] in written


@pytest.mark.parametrize("name", BATCHES)
def test_nobody_can_see_who_else_was_written_to(name, people, start, through):
    provider, _invitation = through(name), start()
    work()
    everybody = {person.email for person in people}
    for address, seen in provider.messages().items():
        assert not [other for other in everybody - {address} if other in str(seen)]


def test_who_is_refused_in_a_batch_is_told_from_who_is_not(people, start, through):
    provider, invitation = through("mailjet"), start()
    *taken, refused = [person.email for person in people]
    error = {"Status": "error", "Errors": [{"StatusCode": 400, "ErrorMessage": "no such box"}]}
    said = [Provider.taken(address) for address in taken]
    provider.answers = [(400, {"Messages": [*said, error]})]
    assert work() == 5
    assert states(invitation) == ["accepted"] * 4 + ["refused"]
    rows = of(invitation)
    assert rows[refused].reason == "the provider said: failed"
    assert [rows[address].provider_id for address in taken] == [f"id of {a}" for a in taken]


@pytest.mark.parametrize("name", BATCHES)
def test_a_provider_that_takes_no_more_leaves_everybody_waiting(name, people, start, through):
    provider, invitation = through(name), start()
    provider.answers = [(429, {"message": "Too many requests"})]
    assert work() == 0
    assert len(provider.calls) == 1 and states(invitation) == ["pending"] * 5
    assert set(invitation.deliveries.values_list("attempt", flat=True)) == {0}


@pytest.mark.parametrize("name", BATCHES)
def test_a_call_that_is_never_answered_leaves_all_of_it_in_doubt(name, people, start, through):
    provider, invitation = through(name), start()
    provider.answers = [requests.ReadTimeout("no answer")]
    assert work() == 5
    assert len(provider.calls) == 1 and states(invitation) == ["uncertain"] * 5


def test_one_address_that_a_call_cannot_bear_costs_nobody_else_their_message(
    people, start, through
):
    provider, invitation = through("mailgun"), start()
    bad = people[3].email

    def request(session, method, url, **sent):
        refused = bad in str(sent["data"]["to"])
        provider.answers = [(400, {"message": "'to' parameter is not a valid address"})] * refused
        return Provider.request(provider, session, method, url, **sent)

    provider.request = request
    assert work() == 5
    assert states(invitation) == ["accepted"] * 4 + ["refused"]
    assert of(invitation)[bad].state == "refused" and len(provider.calls) <= 7


@pytest.mark.parametrize("name", ["postmark", "brevo", "resend", "mailtrap"])
def test_a_provider_that_cannot_merge_gets_one_call_for_each(name, people, start, through):
    provider, invitation = through(name), start()
    assert work() == 5
    assert len(provider.calls) == 5 and states(invitation) == ["accepted"] * 5


def test_no_call_carries_more_people_than_may_be_in_doubt(people, start, through):
    provider, _invitation = through("sendgrid", at_once=2), start()
    assert work() == 5
    sizes = [len(json.loads(sent["data"])["personalizations"]) for sent in provider.calls]
    assert sizes == [2, 2, 1]


@pytest.mark.parametrize(
    ("name", "words"), [("mailgun", "%Recipient.email%"), ("mailjet", "[[data:email]]")]
)
def test_a_letter_that_speaks_the_providers_own_language_is_not_merged(
    name, words, people, draft, start, through
):
    provider = through(name)
    draft.opening = f"<p>Hello {words}</p>"
    draft.save()
    invitation = start()
    assert work() == 5
    assert len(provider.calls) == 5 and states(invitation) == ["accepted"] * 5


@pytest.mark.parametrize("name", BATCHES)
def test_what_a_letter_or_an_address_holds_breaks_out_of_nothing(name, draft, start, through):
    for local in ("a-leave-b", "{{x}}", "%a%", "-c-", "o'neil", "x|y"):
        ParticipantFactory(email=f"{local}@example.com", agreed=True)
    draft.opening = "<p>100 % {{ name }} -leave- {% x %} ${y} <% z %> :name: &amp; *|FNAME|*</p>"
    draft.save()
    provider, invitation = through(name), start()
    assert work() == 6
    messages = provider.messages()
    assert len(provider.calls) == 1 and set(messages) == set(of(invitation))
    for text, *_rest in messages.values():
        assert "100 % {{ name }} -leave- {% x %} ${y} <% z %> :name: & *|FNAME|*" in text


def test_an_address_that_cannot_be_written_is_refused_alone(people, start, through):
    bad = ParticipantFactory(email='"a b"[@example.com', agreed=True).email
    provider, invitation = through("sendgrid"), start()
    assert work() == 6
    assert states(invitation) == ["accepted"] * 5 + ["refused"]
    assert of(invitation)[bad].state == "refused" and len(provider.calls) < 5


def test_a_copy_to_somebody_that_the_site_adds_takes_a_batch_apart(
    people, start, through, settings
):
    provider = through("sendgrid")
    settings.ANYMAIL = {**settings.ANYMAIL, "SEND_DEFAULTS": {"bcc": ["archive@example.gov.uk"]}}
    invitation = start()
    assert work() == 5
    assert len(provider.calls) == 5 and states(invitation) == ["accepted"] * 5


def test_a_site_that_did_not_ask_for_batches_gets_none(people, start, through, settings):
    provider, invitation = through("mailgun"), start()
    settings.WAGTAIL_ENGAGEMENT_BATCH_CALLS = False
    assert work() == 5
    assert len(provider.calls) == 5 and reasons(invitation) == [("accepted", "")] * 5
