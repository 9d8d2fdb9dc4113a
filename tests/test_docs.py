"""What the documents say exists: files, commands, settings, fields, services."""

import configparser
import io
import json
import re
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands

from wagtail_engagement import conf

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
DEPLOY = ROOT / "docs" / "deploy"
EVERY = [*PAGES, *DEPLOY.iterdir()]
# Written beside this one.
LATER = {"govuk-notify.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    files = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [f for f in files if f not in LATER and not (page.parent / f).exists()] == []


@pytest.mark.parametrize("page", EVERY, ids=lambda page: page.name)
def test_every_command_and_setting_that_is_named_is_there(page):
    text = page.read_text()
    commands = set(re.findall(r"manage\.py (engagement_\w+)", text))
    assert commands - set(get_commands()) == set()
    ours = {name.upper() for name, found in vars(conf).items() if callable(found)}
    named = {name for name in re.findall(rf"\b{conf.PREFIX}([A-Z_]+)\b", text) if name}
    assert named - ours - {"X"} == set()


@pytest.mark.django_db
def test_the_fields_to_watch_are_in_the_status():
    out = io.StringIO()
    call_command("engagement_status", "--json", stdout=out)
    table = (ROOT / "docs" / "operations.md").read_text().split("| field |")[1].split("\n\n")[0]
    named = set(re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE))
    assert named and named <= set(json.loads(out.getvalue()))


def test_the_compose_file_is_whole():
    yaml = pytest.importorskip("yaml")
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = found["services"]
    for service in services.values():
        assert "image" in service or "build" in service
        assert set(service.get("depends_on", {})) <= set(services)
        mounted = {str(volume).split(":")[0] for volume in service.get("volumes", [])}
        assert mounted <= set(found["volumes"])
    assert services["worker"]["command"] == "python manage.py engagement_work"
    assert services["worker"]["deploy"]["replicas"] == 2


def test_the_unit_for_systemd_is_whole():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(DEPLOY / "engagement-worker.service")
    assert unit.sections() == ["Unit", "Service", "Install"]
    assert unit["Service"]["ExecStart"].endswith("manage.py engagement_work")
    assert int(unit["Service"]["TimeoutStopSec"]) > conf.mail_timeout()


def test_every_provider_that_has_a_check_has_a_line_before_going_live():
    from wagtail_engagement.checks import PROVIDERS

    text = (ROOT / "docs" / "going-live.md").read_text().lower().replace(" ", "_")
    assert [name for name in PROVIDERS if f"|_{name}_|" not in text] == []
