"""The file itself: whole lines, whoever writes and whatever breaks."""

import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from wagtail_engagement import journal


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "journal.jsonl")


def entries(path, start=0):
    return [entry for _end, entry in journal.read(path, start)]


def add_many(path, name, writer):
    for number in range(50):
        journal.append(path, name=name, entries=[{"writer": writer, "n": number, "x": "y" * 300}])


def test_the_first_line_names_the_journal_and_stays(path):
    name = journal.create(path)
    assert journal.create(path) == journal.name_of(path) == name
    journal.append(path, name=name, entries=[{"do": "one"}, {"do": "two"}], lasts=True)
    assert [entry.get("do") for entry in entries(path)] == [None, "one", "two"]


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_many_who_write_at_once_leave_whole_lines(path, pool):
    name = journal.create(path)
    with pool(4) as writers:
        for done in [writers.submit(add_many, path, name, number) for number in range(4)]:
            done.result()
    found = entries(path)[1:]
    assert len(found) == 200 and None not in found
    assert [e["n"] for e in found if e["writer"] == 2] == list(range(50))


def test_a_journal_is_never_begun_by_writing_to_it(path):
    with pytest.raises(journal.Unwritable):
        journal.append(path, name="x", entries=[{}])
    assert journal.name_of(path) == ""


def test_another_journal_is_not_written_to(path):
    journal.create(path)
    with pytest.raises(journal.Unwritable, match="another journal"):
        journal.append(path, name="somebody else's", entries=[{"do": "one"}])
    assert len(entries(path)) == 1


def test_a_torn_last_line_is_left_until_somebody_writes_and_then_passed_over(path):
    name = journal.create(path)
    with open(path, "ab") as file:
        file.write(b'{"do":"han')
    assert len(entries(path)) == 1
    journal.append(path, name=name, entries=[{"do": "next"}])
    assert entries(path)[1:] == [None, {"do": "next"}]


def test_a_full_disk_takes_all_of_a_write_or_none(path, monkeypatch):
    name = journal.create(path)
    before = journal.size(path)

    class Full:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, attr):
            return getattr(self.file, attr)

        def write(self, data):
            self.file.write(data[:5])
            raise OSError(28, "No space left on device")

    with open(path, "r+b", buffering=0) as file, pytest.raises(OSError):
        journal._add(Full(file), b'{"do":"half"}\n')
    assert journal.size(path) == before
    journal.append(path, name=name, entries=[{"do": "whole"}])
    assert entries(path)[1:] == [{"do": "whole"}]


def test_reading_goes_on_where_it_stopped(path):
    name = journal.create(path)
    end = journal.size(path)
    journal.append(path, name=name, entries=[{"do": "later"}])
    assert entries(path, end) == [{"do": "later"}]
    assert [last for last, _entry in journal.read(path)][-1] == journal.size(path)


@pytest.mark.parametrize("text", [b"", b"\n", b"{}\n", b"nonsense\n", b"[1]\n", b"\xff\xfe\n"])
def test_a_file_without_a_name_is_no_journal(path, text):
    with open(path, "wb") as file:
        file.write(text)
    assert journal.name_of(path) == ""


def test_a_line_without_end_takes_no_memory(path):
    name = journal.create(path)
    with open(path, "ab") as file:
        file.write(b"x" * (3 * journal.LONGEST_LINE) + b"\n")
        file.write(json.dumps({"do": "behind"}).encode() + b"\n")
    found = entries(path)
    assert found[-1] == {"do": "behind"} and set(map(type, found[1:-1])) == {type(None)}
    assert name
