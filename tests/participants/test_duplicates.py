"""Hints at people who are in the register twice: what is noted, what is not, and when it ends."""

import pytest
from django.utils import timezone

from tests import factories
from tests.site import DAY
from wagtail_engagement.models import PossibleDuplicate
from wagtail_engagement.participants import duplicates, lookalikes, merging

pytestmark = pytest.mark.django_db


def join(*emails, **facts):
    return [factories.ParticipantFactory(email=email, **facts) for email in emails]


def hints():
    return sorted(PossibleDuplicate.objects.values_list("hint", flat=True))


@pytest.mark.parametrize(
    ("first", "second", "hint"),
    [
        ("ann@example.com", "ann+council@example.com", "tag"),
        ("ann+news@example.com", "ann+council@example.com", "tag"),
        ("ann.lee@gmail.com", "annlee@gmail.com", "dots"),
        ("annlee@gmail.com", "annlee@googlemail.com", "domain"),
        ("ann@gmail.com", "ann@gamil.com", "lookalike"),
        ("ann@hotmail.com", "ann@homtail.com", "lookalike"),
        ("ann@example.com", "ann@example.con", "lookalike"),
        ("ann@paypal.example", "ann@xn--pypal-4ve.example", "lookalike"),
    ],
)
def test_two_spellings_of_what_may_be_one_mailbox_are_noted(first, second, hint):
    join(first, second)
    assert duplicates.find(at=timezone.now()) == 1
    assert hints() == [hint]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ann.lee@example.com", "annlee@example.com"),
        ("ann@gmail.com", "bob@gmail.com"),
        ("ann@ymail.com", "ann@gmail.com"),
        ("ann@mail.com", "ann@gmail.com"),
        ("ann@one.example.com", "ann@two.example.com"),
    ],
)
def test_different_mailboxes_are_not_noted(first, second):
    join(first, second)
    assert duplicates.find(at=timezone.now()) == 0


def test_one_name_in_one_area_is_a_hint_and_in_two_areas_is_none():
    join("a@one.example", "b@two.example", name="Ann Lee", area="Hill")
    join("c@three.example", name="Ann Lee", area="Vale")
    duplicates.find(at=timezone.now())
    assert hints() == ["name"]


def test_a_name_that_many_of_an_area_have_is_no_hint():
    join(*(f"p{n}@n{n}.example" for n in range(4)), name="John Smith", area="Hill")
    assert duplicates.find(at=timezone.now()) == 0


def test_a_pair_is_noted_once_and_the_rest_on_another_day():
    join("ann@example.com", "ann+a@example.com", "ann+b@example.com")
    found = [duplicates.find(at=timezone.now(), limit=2) for _day in range(3)]
    assert found == [2, 1, 0]


def test_many_passes_find_what_one_pass_finds(monkeypatch):
    for n in range(5):
        join(f"p{n}@example.com", f"p{n}+tag@example.com")
    monkeypatch.setattr(duplicates, "AT_A_TIME", 3)
    assert duplicates.find(at=timezone.now()) == 5


def test_what_nobody_looks_at_stays_apart_after_thirty_days():
    join("ann@example.com", "ann+a@example.com")
    found_at = timezone.now()
    duplicates.find(at=found_at)
    assert duplicates.lapse(at=found_at + 29 * DAY) == 0
    assert duplicates.lapse(at=found_at + 30 * DAY) == 1
    assert not duplicates.waiting().exists()
    assert duplicates.find(at=found_at + 31 * DAY) == 0


def test_a_record_that_was_merged_is_no_hint():
    kept, merged = join("ann@example.com", "ann+a@example.com")
    merging.merge(kept=kept, merged=merged, actor=None, at=timezone.now())
    assert duplicates.find(at=timezone.now()) == 0


def test_the_real_providers_are_nobodys_slip():
    for domain in lookalikes._REAL - {"googlemail.com"}:
        assert lookalikes.provider_of(domain) == domain
