"""Two records become one person, and two again: what moves, what wins, what comes back."""

import pytest
from django.apps import apps
from django.core import serializers
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from wagtail.models import ModelLogEntry

from tests import factories
from tests.site import DAY
from wagtail_engagement import models
from wagtail_engagement.consent import barring, settling
from wagtail_engagement.participants import choosing, links, merging, registry

pytestmark = pytest.mark.django_db
# What a merge leaves behind it on purpose: that it was, and the proof in the ledger.
PAGE = "/admin/engagement/participants/inspect/{}/"
TRACES = {"Merge", "ConsentEvent", "PossibleDuplicate"}


@pytest.fixture
def kept():
    return factories.ParticipantFactory(email="ann@example.com", name="Ann Lee", agreed=True)


@pytest.fixture
def merged():
    return factories.ParticipantFactory(email="ann.lee@work.example", name="A. Lee", agreed=True)


def merge(kept, merged):
    return merging.merge(kept=kept, merged=merged, actor=None, at=timezone.now())


def unmerge(row):
    merging.unmerge(merge=row, actor=None, at=timezone.now())


def reason_of(person):
    row = person.permissions.filter(purpose="invite").first()
    return row and row.reason


def person_behind(purpose, token):
    found = links.find(purpose=purpose, token=token, at=timezone.now())
    return found and found.participant


def whole_register():
    """Every row of ours, but for what a merge leaves on purpose and the numbers of permissions."""
    return {
        model.__name__: sorted(
            str({**row["fields"], "pk": model is models.ContactPermission or row["pk"]})
            for row in serializers.serialize("python", model._base_manager.all())
        )
        for model in apps.get_app_config("wagtail_engagement").get_models()
        if model.__name__ not in TRACES
    }


def live_through_everything(kept, merged):
    """Let both take part in everything, with what one table can hold only once in both."""
    topics = [factories.InterestFactory() for _n in range(3)]
    for topic, origin in zip(topics[:2], ("inferred", "declared"), strict=True):
        factories.ParticipantInterestFactory(participant=kept, interest=topic, origin=origin)
    factories.ParticipantInterestFactory(participant=merged, interest=topics[0])
    factories.ParticipantInterestFactory(participant=merged, interest=topics[1], removed=True)
    factories.ParticipantInterestFactory(participant=merged, interest=topics[2])
    factories.ConsultationResponseFactory(participant=merged)
    both = factories.InvitationFactory()
    for person in (kept, merged):
        factories.DeliveryFactory(invitation=both, participant=person, accepted=True)
    factories.DeliveryFactory(participant=merged, accepted=True)
    factories.ClaimFactory(participant=merged, confirmed_at=timezone.now())
    factories.LinkFactory(participant=merged)
    models.ParticipantName.objects.create(participant=merged, name="Annie")
    models.ParticipantNote.objects.create(participant=merged, text="Uses a hearing loop.")
    models.Participant.objects.filter(pk=merged.pk).update(area="Hill", must_be_notified=True)
    wish = factories.ConsentEventFactory(participant=merged, result=True)
    settling.settle([merged.pk], at=wish.at)


def test_everything_goes_to_the_kept_record_but_what_it_has_already(kept, merged):
    live_through_everything(kept, merged)
    merge(kept, merged)
    kept.refresh_from_db()
    assert kept.responses.count() == kept.claims.count() == kept.links.count() == 1
    assert (kept.deliveries.count(), merged.deliveries.count()) == (2, 1)
    assert set(kept.names.values_list("name", flat=True)) == {"A. Lee", "Annie"}
    assert (kept.area, kept.must_be_notified, kept.name) == ("Hill", True, "Ann Lee")


def test_interests_unite_and_what_was_taken_away_stays_away(kept, merged):
    live_through_everything(kept, merged)
    merge(kept, merged)
    rows = kept.interest_links.order_by("interest_id").values_list("origin", "removed_at")
    assert [(origin, bool(removed)) for origin, removed in rows] == [
        ("declared", False),
        ("declared", True),
        ("declared", False),
    ]


def test_taking_a_merge_back_restores_the_register(kept, merged):
    live_through_everything(kept, merged)
    before = whole_register()
    row = merge(kept, merged)
    assert whole_register() != before
    unmerge(row)
    assert whole_register() == before


def test_somebody_who_stopped_under_one_address_is_stopped_under_both(kept, merged):
    choosing.leave(participant=merged, purposes=["invite"], channel="staff", at=timezone.now())
    row = merge(kept, merged)
    assert (reason_of(kept), reason_of(merged)) == ("stopped", None)
    unmerge(row)
    assert (reason_of(kept), reason_of(merged)) == ("granted", "stopped")


def test_an_entry_on_do_not_contact_counts_for_the_kept_record(kept):
    merged = factories.ParticipantFactory(email="quiet@example.com")
    barring.suppress(address=merged.email, reason="manual", at=timezone.now())
    merge(kept, merged)
    assert reason_of(kept) == "stopped"


@pytest.mark.parametrize(
    ("reason", "standing"),
    [("manual", "stopped"), ("complained", "stopped"), ("bounced", "granted")],
)
@pytest.mark.parametrize("at_once", [False, True])
def test_a_later_stop_of_the_other_address_stops_the_kept_record(
    kept, merged, reason, standing, at_once
):
    merge(kept, merged)
    if at_once:
        barring.suppress_many(emails=[merged.email], reason=reason, at=timezone.now())
    else:
        barring.suppress(address=merged.email, reason=reason, at=timezone.now())
    assert (reason_of(kept), reason_of(merged)) == (standing, None)


def test_mail_that_came_back_from_one_address_says_nothing_of_the_other(kept, merged):
    barring.suppress(address=merged.email, reason="bounced", at=timezone.now())
    merge(kept, merged)
    assert reason_of(kept) == "granted"


def test_nobody_gains_an_invitation_by_a_merge(merged):
    kept = factories.ParticipantFactory()
    merge(kept, merged)
    assert not kept.permissions.filter(may_write=True).exists()


def test_a_pause_under_one_address_is_a_pause_of_both(kept, merged):
    end = timezone.now() + 60 * DAY
    settling.record(
        participant=merged, purpose="invite", action="paused", channel="choices", until=end,
        at=timezone.now(),
    )  # fmt: skip
    merge(kept, merged)
    assert kept.permissions.values_list("reason", "recheck_at").get() == ("paused", end)


def test_a_wish_to_hear_a_result_goes_along_with_its_words(kept, merged):
    wording = factories.ConsentWordingFactory(purpose="result")
    wish = factories.ConsentEventFactory(participant=merged, result=True, wording=wording)
    settling.settle([merged.pk], at=wish.at)
    merge(kept, merged)
    assert kept.permissions.get(consultation=wish.consultation).may_write
    assert kept.consent_events.get(purpose="result").wording == wording


def test_stopping_while_the_two_are_one_outlives_the_merge_for_both(kept, merged):
    row = merge(kept, merged)
    choosing.leave(participant=kept, purposes=["invite"], channel="choices", at=timezone.now())
    unmerge(row)
    assert (reason_of(kept), reason_of(merged)) == ("stopped", "stopped")


@pytest.mark.parametrize("which", [0, 1])
def test_a_stop_of_one_address_while_the_two_are_one_outlives_the_merge_for_both(
    kept, merged, which
):
    row = merge(kept, merged)
    stopped = [kept, merged][which]
    barring.suppress(address=stopped.email, reason="manual", at=timezone.now())
    unmerge(row)
    assert (reason_of(kept), reason_of(merged)) == ("stopped", "stopped")


@pytest.mark.parametrize("purpose", ["leave", "choices", "fresh", "identity"])
def test_of_the_old_links_only_that_to_leave_opens_the_kept_record(kept, merged, purpose):
    token = links.token(purpose=purpose, uuid=kept.uuid)
    row = links.row(purpose=purpose, uuid=kept.uuid, at=timezone.now(), participant_id=merged.pk)
    links.issue([row])
    row = merge(kept, merged)
    assert person_behind(purpose, token) == (kept if purpose == "leave" else None)
    unmerge(row)
    assert person_behind(purpose, token) == merged


def test_confirming_the_other_address_lands_on_the_kept_record(kept, merged):
    merge(kept, merged)
    claim = factories.ClaimFactory(email=merged.email, mailed=True)
    assert registry.register(mail=claim.mail, at=timezone.now()) == kept


def test_a_merge_is_for_good_after_thirty_days(kept, merged):
    row = merge(kept, merged)
    with pytest.raises(merging.CannotMerge, match="no longer"):
        merging.unmerge(merge=row, actor=None, at=row.at + 30 * DAY)
    assert merging.close_old(at=row.at + 30 * DAY) == 1
    row.refresh_from_db()
    assert row.moved == {}


def test_merges_are_taken_back_in_their_order(kept, merged):
    first = merge(merged, factories.ParticipantFactory())
    second = merge(kept, merged)
    assert models.Participant.objects.filter(merged_into=kept).count() == 2
    with pytest.raises(merging.CannotMerge, match="later"):
        unmerge(first)
    unmerge(second)
    unmerge(first)
    assert models.Participant.objects.current().count() == 3


def test_a_record_is_not_merged_with_itself_or_twice(kept, merged):
    with pytest.raises(merging.CannotMerge):
        merge(kept, kept)
    merge(kept, merged)
    with pytest.raises(merging.CannotMerge):
        merge(kept, merged)


def test_every_table_that_names_a_person_is_carried_or_stays_on_purpose():
    carried = {label.split(".")[1] for label in merging.carried_tables()}
    assert {"consultationresponse", "delivery", "claim", "link", "importrow"} <= carried
    assert not carried & {"consentevent", "contactpermission"}


# On screen


@pytest.fixture
def staff():
    client = Client()
    client.force_login(factories.UserFactory(superuser=True))
    return client


def compare(one, other):
    return reverse("wagtail_engagement_participants:merge", args=[one.pk, other.pk])


def logged():
    entries = list(ModelLogEntry.objects.values_list("action", "label", "data"))
    assert "example" not in str(entries) and "Lee" not in str(entries)
    return {action.partition(".")[2] for action, _label, _data in entries}


def test_staff_see_both_histories_and_choose_the_address_that_stays(staff, kept, merged):
    page = staff.get(compare(kept, merged)).text
    for address in (kept.email, merged.email):
        assert f"Merge, and write to {address}" in page
    assert page.count("Agreed to be invited") == 2
    staff.post(compare(kept, merged), {"keep": merged.pk})
    kept.refresh_from_db()
    assert kept.merged_into == merged
    assert "participants_merged" in logged()


def test_staff_keep_two_people_apart_for_good(staff, kept, merged):
    pair = models.PossibleDuplicate.objects.create(first=kept, second=merged, hint="name")
    page = staff.get(compare(kept, merged)).text
    assert f"If nobody looks by {date_format(pair.found_at + 30 * DAY, 'j F Y')}" in page
    staff.post(compare(kept, merged), {"keep": "both"})
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by is None) == ("apart", False)
    assert "participants_kept_apart" in logged()


@pytest.mark.parametrize("keep", ["", "99999", "x"])
def test_a_decision_that_names_neither_changes_nothing(staff, kept, merged, keep):
    answer = staff.post(compare(kept, merged), {"keep": keep}, follow=True)
    assert "Choose which address stays" in answer.text
    assert models.Participant.objects.current().count() == 2


def test_a_merge_is_taken_back_from_the_persons_page(staff, kept, merged):
    row = merge(kept, merged)
    numbers = [kept.pk, row.pk]
    assert "Take the merge back" in staff.get(PAGE.format(kept.pk)).text
    staff.post(reverse("wagtail_engagement_participants:unmerge", args=numbers))
    assert models.Participant.objects.current().count() == 2
    assert "merge_undone" in logged()


def test_the_page_of_a_merged_record_is_that_of_the_kept_one(staff, kept, merged):
    merge(kept, merged)
    assert staff.get(PAGE.format(merged.pk)).url == PAGE.format(kept.pk)


def test_the_other_address_finds_the_kept_record_in_the_listing(staff, kept, merged):
    merge(kept, merged)
    found = staff.get("/admin/engagement/participants/", {"q": merged.email})
    assert list(found.context["object_list"]) == [kept]


def test_staff_who_know_the_other_address_come_to_the_comparison(staff, kept, merged):
    url = reverse("wagtail_engagement_participants:find_other", args=[kept.pk])
    assert staff.post(url, {"address": merged.email.upper()}).url == compare(kept, merged)
    for typed, said in (("nobody@example.com", "Nobody else"), ("x", "correct format")):
        assert said in staff.post(url, {"address": typed}, follow=True).text
