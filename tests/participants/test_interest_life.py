"""Interests that stay true: they fade, are united, and propose their own retirement."""

import datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from wagtail.models import ModelLogEntry

from tests import factories
from tests.site import DAY, add_consultation
from wagtail_engagement.models import ImportBatch, Interest, ParticipantInterest
from wagtail_engagement.participants import choosing, queries, registry, tending

from .post import link_in, open_link, press, send

pytestmark = pytest.mark.django_db
MARCH, JULY = datetime.date(2024, 3, 1), datetime.date(2025, 7, 31)


@pytest.fixture
def parks():
    return factories.InterestFactory(name="Parks")


@pytest.fixture
def green():
    return factories.InterestFactory(name="Green spaces")


def give(interest, person=None, **facts):
    person = person or factories.ParticipantFactory()
    return factories.ParticipantInterestFactory(participant=person, interest=interest, **facts)


def live(interest):
    links = ParticipantInterest.objects.filter(interest=interest, removed_at=None)
    return set(links.values_list("participant", flat=True))


def test_an_interest_fades_when_nothing_renewed_it_for_two_years(parks):
    now = timezone.now()
    old = give(parks, inferred=True, renewed_at=now - 730 * DAY)
    young = give(parks, inferred=True, renewed_at=now - 729 * DAY)
    assert tending.fade(at=now) == 1
    assert list(ParticipantInterest.objects.all()) == [young]
    assert tending.fades_at(old) <= now < tending.fades_at(young)


def test_taking_part_renews_an_interest(parks):
    link = give(parks, renewed_at=timezone.now() - 729 * DAY)
    now = timezone.now() + 10 * DAY
    registry.declare({}, link.participant_id, now, inferred={parks.pk: None})
    assert tending.fade(at=now) == 0


def test_what_somebody_chose_stays_for_as_long_as_they_may_be_invited(parks):
    agreed = factories.ParticipantFactory(agreed=True)
    give(parks, agreed, renewed_at=timezone.now() - 900 * DAY)
    give(parks, renewed_at=timezone.now() - 900 * DAY)
    assert tending.fade(at=timezone.now()) == 1
    assert live(parks) == {agreed.pk}


def test_a_site_can_keep_interests_for_ever(parks, settings):
    settings.WAGTAIL_ENGAGEMENT_INTEREST_DAYS = 0
    link = give(parks, renewed_at=timezone.now() - 9000 * DAY)
    assert tending.fade(at=timezone.now()) == 0
    assert tending.fades_at(link) is None


def test_an_interest_says_where_it_comes_from(parks):
    may = timezone.now().replace(year=2025, month=5, day=3)
    facts = {
        "inferred": {"consultation": factories.ConsultationFactory(title="Parks survey")},
        "declared": {"consultation": factories.ConsultationFactory(title="Mill Road")},
        "imported": {"batch": a_sheet()},
        "staff": {},
    }
    links = [give(parks, since=may, origin=origin, **more) for origin, more in facts.items()]
    assert [tending.provenance(link) for link in links] == [
        "from taking part in Parks survey, May 2025",
        "chosen on the form of Mill Road, May 2025",
        "from Events sheets, collected May 2025",
        "given by staff, May 2025",
    ]
    assert [queries.told(link) for link in links] == [
        "we think so because you took part in Parks survey, May 2025",
        "you chose it on the form of Mill Road, May 2025",
        "it stood beside your address on a list: Events sheets, collected May 2025",
        "somebody at the council noted it, May 2025",
    ]


def a_sheet(**facts):
    return ImportBatch.objects.create(
        filename="x.csv", sha256="0", **{"source": "Events sheets", **facts}
    )


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({}, "Events sheets, brought in May 2026"),
        ({"source": ""}, "a spreadsheet, brought in May 2026"),
        ({"collected_from": MARCH}, "Events sheets, collected March 2024"),
        ({"collected_from": MARCH, "collected_to": JULY}, "Events sheets, collected March 2024 to July 2025"),
    ],
)  # fmt: skip
def test_a_sheet_says_when_it_was_collected_as_far_as_that_is_known(declared, said, parks):
    started = timezone.make_aware(datetime.datetime(2026, 5, 3))
    sheet = a_sheet(started_at=started, **declared)
    assert sheet.from_where() == said
    first = declared.get("collected_from")
    since = timezone.make_aware(datetime.datetime(*MARCH.timetuple()[:3])) if first else started
    assert sheet.from_where(since) == said
    own_day = timezone.make_aware(datetime.datetime(2025, 1, 9))
    assert sheet.from_where(own_day).endswith(", collected January 2025")


def test_a_person_reads_behind_a_fresh_link_which_list_a_topic_comes_from(client, parks):
    link = give(parks, batch=a_sheet(collected_from=MARCH), origin="imported")
    choosing.ask_fresh(participant=link.participant, at=timezone.now())
    page = press(client, open_link(client, link_in(send()[-1])), "show").text
    assert "Parks: it stood beside your address on a list: Events sheets, collected" in page


def test_a_sensitive_consultation_is_not_named_as_the_source(parks):
    link = give(parks, consultation=factories.ConsultationFactory(sensitive=True))
    assert link.consultation.title not in tending.provenance(link) + queries.told(link)


def test_merging_interests_carries_people_once_and_keeps_the_stronger_reason(parks, green):
    both = factories.ParticipantFactory()
    only = give(parks, inferred=True).participant
    give(parks, both, origin="declared")
    give(green, both, inferred=True)
    assert tending.shared_by(parks, green) == 1
    assert tending.merge(source=parks, target=green, at=timezone.now()) == 2
    assert live(green) == {only.pk, both.pk}
    assert both.interest_links.get().origin == "declared"


def test_who_took_the_target_away_keeps_it_away(parks, green):
    person = give(parks).participant
    give(green, person, removed=True)
    tending.merge(source=parks, target=green, at=timezone.now())
    assert live(green) == set()


def test_merging_interests_carries_pages_consultations_drafts_and_sheets(parks, green):
    page = add_consultation(interests=[parks, green])
    draft = factories.InvitationFactory(interests=[parks])
    batch = ImportBatch.objects.create(
        filename="x.csv", sha256="0", interest_words={"park": parks.pk, "?": None}
    )
    tending.merge(source=parks, target=green, at=timezone.now())
    batch.refresh_from_db()
    assert list(type(page).objects.get(pk=page.pk).interests.all()) == [green]
    assert list(page.consultation.interests.all()) == [green]
    assert list(draft.interests.all()) == [green]
    assert batch.interest_words == {"park": green.pk, "?": None}


def test_a_draft_from_before_a_merge_is_published_with_the_other_interest(parks, green):
    page = add_consultation(interests=[parks])
    draft = page.save_revision()
    tending.merge(source=parks, target=green, at=timezone.now())
    draft.publish()
    assert list(page.consultation.interests.all()) == [green]
    assert list(type(page).objects.get(pk=page.pk).interests.all()) == [green]


def test_pages_offer_interests_in_use_and_keep_a_retired_one_that_they_have(parks, green):
    old = factories.InterestFactory(name="Old", is_retired=True)
    factories.InterestFactory(name="Elsewhere", is_retired=True)
    page = add_consultation(interests=[old, parks])
    tending.merge(source=parks, target=green, at=timezone.now())
    form = page.get_edit_handler().get_form_class()(instance=page)
    assert set(form.fields["interests"].queryset) == {green, old}


def test_a_form_that_was_open_while_interests_merged_gives_the_new_one(parks, green):
    person = factories.ParticipantFactory()
    tending.merge(source=parks, target=green, at=timezone.now())
    registry.declare({parks.pk: None}, person.pk, timezone.now())
    assert live(green) == {person.pk}


def test_what_will_be_moved_is_counted_before(parks, green):
    give(parks)
    add_consultation(interests=[parks])
    factories.InvitationFactory(interests=[parks])
    counts = tending.uses_of(parks)
    assert counts["people"] == 1
    assert sum(counts.values()) == 4  # a page, its consultation and an invitation besides


def test_an_interest_is_not_merged_with_itself_or_twice(parks, green):
    with pytest.raises(tending.CannotMerge):
        tending.merge(source=parks, target=parks, at=timezone.now())
    tending.merge(source=parks, target=green, at=timezone.now())
    with pytest.raises(tending.CannotMerge):
        tending.merge(source=green, target=parks, at=timezone.now())


def test_interests_of_nobody_propose_their_retirement(parks, green):
    asked = factories.InterestFactory(name="Asked about")
    give(green)
    factories.ConsultationFactory(interests=[asked], closed=True)
    found = tending.unused(at=timezone.now())
    assert list(found) == [parks]
    assert set(tending.unused(at=timezone.now() + 400 * DAY)) == {parks, asked}
    assert tending.retire(interest=parks)
    assert Interest.objects.in_use().count() == 2


# On screen


@pytest.fixture
def staff():
    client = Client()
    client.force_login(factories.UserFactory(superuser=True))
    return client


def test_staff_see_what_a_merge_moves_before_they_do_it(staff, parks, green):
    give(parks)
    url = reverse("wagtail_engagement_interests:merge", args=[parks.pk])
    assert "Green spaces" in staff.get(url).text
    page = staff.get(url, {"into": green.pk}).text
    assert "people: 1" in page and "This cannot be taken back" in page
    staff.post(url, {"into": green.pk})
    assert len(live(green)) == 1
    assert ModelLogEntry.objects.get(action="wagtail_engagement.interests_merged").label == "Parks"


@pytest.mark.parametrize("into", ["", "x", "99999"])
def test_merging_into_nothing_says_so(staff, parks, green, into):
    url = reverse("wagtail_engagement_interests:merge", args=[parks.pk])
    assert staff.get(url, {"into": into}).status_code == 200
    assert "Choose an interest that is in use" in staff.post(url, {"into": into}, follow=True).text


def test_staff_retire_what_nobody_uses_by_one_button(staff, parks, green):
    give(green)
    page = staff.get(reverse("wagtail_engagement_interests:unused")).text
    assert "Parks" in page and "Green spaces" not in page
    staff.post(reverse("wagtail_engagement_interests:retire", args=[parks.pk]))
    parks.refresh_from_db()
    assert parks.is_retired
    assert ModelLogEntry.objects.filter(action="wagtail_engagement.interest_retired").exists()


def test_a_persons_page_says_where_an_interest_comes_from_and_when_it_fades(staff, parks):
    link = give(parks, origin="staff")
    page = staff.get(f"/admin/engagement/participants/inspect/{link.participant_id}/").text
    assert "Parks: given by staff" in page
    assert f"Fades in {date_format(link.renewed_at + 730 * DAY, 'F Y')}" in page
