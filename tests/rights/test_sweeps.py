"""Every table that holds an address or a key to a person is in access and in erasure (P07, P09)."""

from django.apps import apps
from django.db.models import EmailField, ForeignKey

from wagtail_engagement.models import Participant
from wagtail_engagement.rights.holdings import HOLDINGS, Fate
from wagtail_engagement.rights.nobody import NOBODY

from .person import tables_of_ours

# The addresses in these are mailboxes that the council shares.
OF_THE_COUNCIL = {"Team"}
HELD = {holding.model: holding for holding in HOLDINGS}
TELLING = {"email", "address_key", "fingerprint", "token_hash", "values", "answers"}


def names_people(model):
    """Whether a table points at people, or has a column for what tells who somebody is."""
    fields = model._meta.get_fields()
    return any(
        (isinstance(field, ForeignKey) and field.related_model is Participant)
        or isinstance(field, EmailField)
        or field.name in TELLING
        for field in fields
        if not field.auto_created
    )


def test_every_table_says_whether_it_holds_people():
    said = {model.__name__ for model in HELD} | set(NOBODY)
    assert said == {model.__name__ for model in tables_of_ours()}
    assert not {model.__name__ for model in HELD} & set(NOBODY)


def test_every_table_that_names_people_is_held():
    pages = apps.get_app_config("wagtail_engagement_pages").get_models()
    wrong = [model for model in [*tables_of_ours(), *pages] if names_people(model)]
    unheld = {model.__name__ for model in wrong if model not in HELD}
    assert unheld == OF_THE_COUNCIL


def test_every_held_table_is_shown_but_for_what_is_shown_within_another():
    assert [model.__name__ for model, held in HELD.items() if not held.shown] == ["Answer"]


def test_every_cut_empties_the_key_to_the_person():
    cut = [holding for holding in HOLDINGS if holding.fate is Fate.CUT]
    assert cut and [held.model.__name__ for held in cut if held.cut["participant"]] == []
