"""A copy for staging: nobody is left in it, and it still looks like a register."""

import io

import pytest
from django.apps import apps
from django.core import mail
from django.core.management import CommandError, call_command
from django.db.models import CharField, JSONField, TextField
from django.utils import timezone
from wagtail.log_actions import log

from tests import factories
from wagtail_engagement import journal, models, work
from wagtail_engagement.consent import settling
from wagtail_engagement.rights import sanitising
from wagtail_engagement.rights.masks import MASKS
from wagtail_engagement.seal import sealing

from .person import EMAIL, OTHER, WORD, tables_of_ours, trace_of

pytestmark = pytest.mark.django_db
HOST = "engage.example.gov.uk"


def sanitise(*options):
    out = io.StringIO()
    call_command("engagement_sanitise", *options, stdout=out)
    return out.getvalue()


def of_words(model):
    """Columns that could hold words: without choices, and no address of anything of ours."""
    pages = (CharField, TextField, JSONField)
    fields = model._meta.concrete_fields
    return {f.name for f in fields if isinstance(f, pages) and not f.choices}


def test_every_table_has_a_mask():
    assert set(MASKS) == {model.__name__ for model in tables_of_ours()}


@pytest.mark.parametrize("model", tables_of_ours(), ids=lambda model: model.__name__)
def test_every_column_of_words_is_masked_or_said_to_be_kept(model):
    mask = MASKS[model.__name__]
    said = {*mask.texts, *mask.kept}
    assert mask.is_emptied or of_words(model) - {"token_hash"} <= said
    assert said | set(mask.others) <= {field.name for field in model._meta.concrete_fields}


def seed(model, names):
    """Write the canary into columns of a table, whatever they are for."""
    for name in names:
        column = model._meta.get_field(name)
        word = {"x": [WORD]} if isinstance(column, JSONField) else WORD[: column.max_length]
        if not column.unique and name not in ("stored_as", "answers"):
            model._base_manager.update(**{name: word})


def test_no_word_of_anybody_is_found_in_any_table_or_file_afterwards(known, folder):
    factories.ClaimFactory(email=f"{WORD}.waiting@example.com", page_url=f"/?name={WORD}")
    log(known.person, "wagtail.edit", title=f"Ann {WORD}", data={"name": WORD})
    factories.SuppressionFactory(address=EMAIL, reason="manual", source=f"import {WORD}")
    for model in tables_of_ours():
        if not MASKS[model.__name__].is_emptied:
            seed(model, MASKS[model.__name__].texts)
    assert len(trace_of(folder, WORD)) > 15
    sanitise("--yes-this-is-a-copy", HOST)
    assert trace_of(folder, WORD, EMAIL, OTHER) == []


def test_the_people_stay_as_a_number_with_what_they_chose(known):
    before = models.ParticipantInterest.objects.count(), models.Participant.objects.count()
    models.Area.objects.create(name="North ward")
    models.Participant.objects.filter(pk=known.person.pk).update(area="North ward")
    sanitise("--yes-this-is-a-copy", HOST)
    assert before == (
        models.ParticipantInterest.objects.count(),
        models.Participant.objects.count(),
    )
    person = models.Participant.objects.get(pk=known.person.pk)
    assert person.email == person.address_key == f"person-{person.pk}@example.invalid"
    assert (person.name, person.area) == (f"Person {person.pk}", "North ward")


def test_choices_stay_and_texts_and_days_go():
    kinds = {"a": "single", "b": "number", "c": "long_text", "d": "date"}
    definition = [{"key": key, "kind": kind, "label": key} for key, kind in kinds.items()]
    version = factories.FormVersionFactory(definition=definition)
    answers = {"a": "yes", "b": 3, "c": "I am Ann", "d": "1960-01-02", "gone": "who knows"}
    row = factories.ConsultationResponseFactory(form_version=version, answers=answers)
    sanitise("--yes-this-is-a-copy", HOST)
    row.refresh_from_db()
    assert row.answers == {"a": "yes", "b": 3, "c": "", "d": "", "gone": ""}


def test_who_was_not_to_be_contacted_still_is_not():
    person = factories.ParticipantFactory(email=EMAIL, agreed=True)
    factories.SuppressionFactory(address=EMAIL, reason="complained")
    factories.SuppressionFactory(address="nobody.here@example.com")
    sanitise("--yes-this-is-a-copy", HOST)
    settling.settle([person.pk], at=timezone.now())
    assert not models.ContactPermission.objects.get(participant=person).may_write
    assert models.Suppression.objects.count() == 2


def test_nothing_is_under_way_and_the_copys_worker_runs(settings):
    invitation = factories.InvitationFactory(status="sending")
    for state in ("pending", "leased", "handing", "accepted"):
        factories.DeliveryFactory(invitation=invitation, state=state)
    factories.ClaimFactory()
    settings.WAGTAIL_ENGAGEMENT_BASE_URL = "https://staging.example.gov.uk"
    sanitise("--yes-this-is-a-copy", "staging.example.gov.uk")
    work.drain(owner="staging")
    invitation.refresh_from_db()
    assert (invitation.status, mail.outbox, sealing.why_not()) == ("stopped", [], None)
    states = invitation.deliveries.values_list("state", flat=True)
    assert sorted(states) == ["accepted", "skipped", "skipped", "skipped"]


@pytest.mark.parametrize("typed", [[], ["--yes-this-is-a-copy", "another.example.gov.uk"]])
def test_the_live_site_is_left_alone_unless_its_host_is_typed(typed):
    person = factories.ParticipantFactory(email=EMAIL)
    sealing.bind(at=timezone.now())
    with pytest.raises(CommandError, match=HOST):
        sanitise(*typed)
    person.refresh_from_db()
    assert person.email == EMAIL


def test_a_copy_that_the_settings_tell_apart_needs_no_word(settings):
    person = factories.ParticipantFactory(email=EMAIL)
    sealing.bind(at=timezone.now())
    settings.WAGTAIL_ENGAGEMENT_ENVIRONMENT = "staging"
    assert "Nobody is left in this copy" in sanitise()
    person.refresh_from_db()
    assert person.email != EMAIL and sealing.why_not() is None


def test_a_copy_that_still_writes_to_lives_journal_is_refused(settings, tmp_path):
    settings.WAGTAIL_ENGAGEMENT_JOURNAL = str(tmp_path / "journal.jsonl")
    sealing.bind(at=timezone.now())
    settings.WAGTAIL_ENGAGEMENT_ENVIRONMENT = "staging"
    with pytest.raises(CommandError, match="journal of the live site"):
        sanitise()


def test_a_journal_of_earlier_copies_does_not_stop_this_one(settings, tmp_path):
    settings.WAGTAIL_ENGAGEMENT_JOURNAL = str(tmp_path / "staging.jsonl")
    name = journal.create(settings.WAGTAIL_ENGAGEMENT_JOURNAL)
    entry = {"do": "started", "entry": "00000000-0000-4000-8000-000000000001"}
    entry |= dict.fromkeys(("invitation", "consultation"), entry["entry"])
    entry |= {"code": "ABCDEFGH", "at": timezone.now().isoformat()}
    journal.append(settings.WAGTAIL_ENGAGEMENT_JOURNAL, name=name, entries=[entry])
    sanitise("--yes-this-is-a-copy", HOST)
    work.drain(owner="staging")
    assert sealing.why_not() is None


def test_a_table_that_nobody_thought_of_stops_it(monkeypatch):
    monkeypatch.delitem(MASKS, "ParticipantNote")
    with pytest.raises(CommandError, match="no mask for ParticipantNote"):
        sanitise("--yes-this-is-a-copy", HOST)


def test_one_that_was_stopped_half_way_sends_nothing_and_is_run_again(monkeypatch):
    person = factories.ParticipantFactory(email=EMAIL, agreed=True)

    def stopped():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sanitising, "_empty_answers", stopped)
        with pytest.raises(KeyboardInterrupt):
            sanitising.sanitise(typed=HOST, at=timezone.now())
    assert sealing.why_not().code == "another_site"
    sanitise()
    person.refresh_from_db()
    assert person.email != EMAIL and sealing.why_not() is None


def test_staff_and_their_passwords_stay():
    user = factories.UserFactory(username="ann", email="ann@council.example.com")
    before = apps.get_model("auth", "User").objects.values().get(pk=user.pk)
    sanitise("--yes-this-is-a-copy", HOST)
    assert apps.get_model("auth", "User").objects.values().get(pk=user.pk) == before
