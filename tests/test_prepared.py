"""Statements that PostgreSQL plans once, and what happens where it cannot."""

import pytest
from django.db import connection

from tests.factories import ParticipantFactory
from wagtail_engagement import prepared
from wagtail_engagement.models import Participant

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
CHANGE = "UPDATE wagtail_engagement_participant SET name = %s WHERE email = %s"


def change(name):
    return prepared.execute(CHANGE, [name, "ada@example.com"])


def plans():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE %s", ["engagement_%"]
        )
        return cursor.fetchone()[0]


def test_a_statement_says_how_many_rows_it_changed():
    ParticipantFactory(email="ada@example.com")
    assert [change("Ada"), change("Ada L.")] == [1, 1]
    assert prepared.execute(CHANGE, ["Nobody", "nobody@example.com"]) == 0
    assert Participant.objects.get().name == "Ada L."


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL keeps plans")
def test_it_is_planned_once():
    change("Ada"), change("Bea"), change("Cleo")
    list(Participant.objects.filter(name="Ada"))
    assert plans() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL keeps plans")
def test_where_a_pool_hands_over_a_connection_without_the_plan_the_statement_runs_all_the_same():
    ParticipantFactory(email="ada@example.com")
    change("Ada")
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")  # As another connection of the pool would look.
    assert change("Bea") == 1 and Participant.objects.get().name == "Bea"
    assert change("Cleo") == 1 and plans() == 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL keeps plans")
def test_the_plan_that_another_worker_left_on_a_connection_is_used():
    ParticipantFactory(email="ada@example.com")
    change("Ada")
    prepared._known.clear()  # As a worker that gets this connection from a pool.
    assert change("Bea") == 1 and plans() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL keeps plans")
def test_any_other_error_is_passed_on_and_the_next_statement_works():
    with pytest.raises(Exception, match="nonsense"):
        prepared.execute("UPDATE nonsense SET name = %s", ["x"])
    ParticipantFactory(email="ada@example.com")
    assert change("Ada") == 1
