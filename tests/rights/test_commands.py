import io
import zipfile

import pytest
from django.core.management import CommandError, call_command

from tests import factories
from wagtail_engagement import models

from .person import EMAIL, OTHER, WORD, trace_of

pytestmark = pytest.mark.django_db


def erase(*args, **options):
    out = io.StringIO()
    call_command("engagement_erase", *args, stdout=out, **options)
    return out.getvalue()


def test_the_command_erases_and_prints_a_receipt(known, folder, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        told = erase(EMAIL.upper(), "--drop-responses", "--no-input")
    assert models.RightsRequest.objects.latest("pk").reference in told and WORD not in told
    assert trace_of(folder, WORD) == []


def test_the_command_keeps_answers_unless_told_otherwise(known):
    erase("--uuid", str(known.other.uuid), "--no-input")
    assert not models.Participant.objects.exists()
    assert models.ConsultationResponse.objects.filter(pk=known.response.pk).exists()


def test_the_command_asks_first(known, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda told: "no")
    with pytest.raises(CommandError, match="Nothing was erased"):
        erase(EMAIL)
    assert models.Participant.objects.count() == 2


@pytest.mark.parametrize("words", ["nobody@example.com", "no address", "\x00", "1" * 400])
def test_the_commands_say_so_where_nobody_is_found(words, tmp_path):
    factories.ParticipantFactory()
    with pytest.raises(CommandError):
        erase(words, "--no-input")
    with pytest.raises(CommandError):
        call_command("engagement_export_person", words, output=str(tmp_path / "x.zip"))
    assert models.Participant.objects.exists() and not list(tmp_path.iterdir())


def test_the_copy_is_written_once_for_our_own_eyes(known, tmp_path):
    path = tmp_path / "ann.zip"
    call_command("engagement_export_person", OTHER, output=str(path), stdout=io.StringIO())
    assert EMAIL in zipfile.ZipFile(path).read("index.html").decode()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="Choose another name"):
        call_command("engagement_export_person", OTHER, output=str(path))
