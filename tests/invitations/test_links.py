"""The links in an invitation: no rows of their own, and yet for one purpose and one person."""

import base64

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from tests import factories
from wagtail_engagement.invitations import sending
from wagtail_engagement.models import Delivery, Link
from wagtail_engagement.participants import links, merging

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(people, start):
    """One of five people whom an invitation has reached."""
    start()
    sending.work(owner="this worker")
    return people[0]


def token_of(person, purpose):
    row = Delivery.objects.get(uuid=message_to(person).metadata["delivery"])
    return links.carried(purpose=purpose, uuid=row.uuid, key_id=row.key_id)


def message_to(person):
    return next(message for message in mail.outbox if message.to == [person.email])


def behind(token, purpose):
    link = links.find(purpose=purpose, token=token, at=timezone.now())
    return link and link.participant


def test_a_link_of_an_invitation_opens_what_it_is_for_and_nothing_else(ada):
    for purpose in ("leave", "choices", "answer"):
        token = token_of(ada, purpose)
        assert token in message_to(ada).body
        opened = [other for other in Link.Purpose.values if behind(token, other)]
        assert opened == [purpose]


def test_nothing_of_a_link_is_stored(ada):
    assert not Link.objects.exists()
    stored = str(list(Delivery.objects.values()))
    for purpose in ("leave", "choices", "answer"):
        token = token_of(ada, purpose)
        assert token not in stored and token[22:] not in stored
        assert links.fingerprint(token) not in stored


def test_who_knows_the_number_of_a_delivery_has_no_link_yet(ada):
    raw = bytearray(base64.urlsafe_b64decode(token_of(ada, "leave") + "="))
    for place in (0, 15, 16, 31):
        forged = raw.copy()
        forged[place] ^= 1
        token = base64.urlsafe_b64encode(forged).decode().rstrip("=")
        assert Client().post(f"/engagement/l/{token}/").status_code == 404
    last = token_of(ada, "leave")[:-1]
    same_bytes = [last + end for end in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01234"]
    assert sum(behind(token, "leave") is not None for token in same_bytes) <= 1


def test_a_link_outlives_a_change_of_keys_and_not_the_loss_of_them(ada, settings):
    token, old = token_of(ada, "leave"), settings.WAGTAIL_ENGAGEMENT_KEYS
    settings.WAGTAIL_ENGAGEMENT_KEYS = {"new": "another secret", **old}
    assert behind(token, "leave") == ada
    settings.WAGTAIL_ENGAGEMENT_KEYS = {"new": "another secret"}
    assert behind(token, "leave") is None


def test_the_choices_close_for_the_old_address_and_leaving_stays_possible(ada):
    choices, leave, old = token_of(ada, "choices"), token_of(ada, "leave"), ada.email
    ada.email = ada.address_key = "elsewhere@example.com"
    ada.save()
    assert (behind(choices, "choices"), behind(leave, "leave")) == (None, ada)
    ada.email = ada.address_key = old
    ada.save()
    assert behind(choices, "choices") == ada


@pytest.mark.parametrize("has_it_too", [True, False])
def test_of_a_merged_record_only_the_link_to_leave_opens_the_kept_one(ada, people, has_it_too):
    kept = people[1] if has_it_too else factories.ParticipantFactory(agreed=True)
    choices, leave = token_of(ada, "choices"), token_of(ada, "leave")
    merge = merging.merge(kept=kept, merged=ada, actor=None, at=timezone.now())
    assert (behind(choices, "choices"), behind(leave, "leave")) == (None, kept)
    merging.unmerge(merge=merge, actor=None, at=timezone.now())
    assert (behind(choices, "choices"), behind(leave, "leave")) == (ada, ada)


def test_links_of_somebody_erased_open_nothing(ada):
    token = token_of(ada, "leave")
    Delivery.objects.filter(participant=ada).update(participant=None)
    assert behind(token, "leave") is None
    assert Client().post(f"/engagement/l/{token}/").status_code == 404


def test_an_older_copy_lets_out_whom_it_has_forgotten_to_have_written_to(ada):
    leave, choices = token_of(ada, "leave"), token_of(ada, "choices")
    Delivery.objects.update(state="pending", fingerprint="", key_id="", handed_at=None)
    assert (behind(leave, "leave"), behind(choices, "choices")) == (ada, None)
