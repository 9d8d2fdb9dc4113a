"""The rules of the house that a machine can check."""

import ast
import configparser
import importlib.util
import inspect
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.dispatch import Signal

from wagtail_engagement import conf, signals

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "wagtail_engagement"
NOT_PARTS = {"management", "migrations", "pages"}
PARTS = sorted(
    folder.name
    for folder in PACKAGE.iterdir()
    if (folder / "__init__.py").exists() and folder.name not in NOT_PARTS
)
RULES = (
    "settling registry publishing responses sending handing tracking receiving halting importing telling scanning reporting erasing "
    "sealing journalling rebuilding reconciling replaying sanitising audience rendering links queries drawing affinity routes passing"
).split()
SCREENS = ("django.http", "django.shortcuts", "django.contrib.messages", "wagtail.admin")
OURS = [
    path
    for folder in ("wagtail_engagement", "example_site", "tests", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".html", ".css", ".js", ".txt") and "migrations" not in path.parts
]
MODULES = [path for path in OURS if path.suffix == ".py" and PACKAGE in path.parents]


def imported_names(path):
    """Every dotted name that a module imports, relative ones resolved."""
    package = ".".join(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{source}.{alias.name}" for alias in node.names)


def readme():
    path = ROOT / "README.md"
    if not path.exists():
        pytest.skip("README.md is not written yet")
    return path.read_text()


def test_no_file_is_above_400_lines():
    long = {
        str(p.relative_to(ROOT)): n for p in OURS if (n := len(p.read_text().split("\n"))) > 401
    }
    assert long == {}


def test_no_function_of_the_package_is_above_45_lines():
    long = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 45
    ]
    assert long == []


def test_rule_modules_know_nothing_of_screens():
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in MODULES
        if path.stem in RULES
        for name in imported_names(path)
        if f"{name}.".startswith(tuple(f"{screen}." for screen in SCREENS))
    ]
    assert wrong == []


def test_no_file_has_a_name_that_says_nothing():
    empty = {"utils", "helpers", "services", "managers", "tasks"}
    assert [path for path in MODULES if path.stem in empty] == []


def test_nothing_inside_the_package_imports_the_root_models():
    root = ("wagtail_engagement.models", "wagtail_engagement.models.")
    wrong = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if any(name == root[0] or name.startswith(root[1]) for name in imported_names(path))
    ]
    assert wrong == []


def test_the_root_models_re_export_every_table_and_nothing_else():
    from wagtail_engagement import models

    tables = {model.__name__ for model in apps.get_app_config("wagtail_engagement").get_models()}
    assert set(models.__all__) == tables
    tree = ast.parse((PACKAGE / "models.py").read_text())
    assert {type(node) for node in tree.body[1:]} == {ast.ImportFrom, ast.Assign}


def test_every_part_is_under_the_import_contract():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    containers = config["importlinter:contract:inside-a-part"]["containers"].split()
    assert containers == [f"wagtail_engagement.{part}" for part in PARTS]


@pytest.mark.django_db
def test_the_migrations_are_complete():
    ours = ("wagtail_engagement", "wagtail_engagement_pages")
    call_command("makemigrations", *ours, check=True, dry_run=True, verbosity=0)


def test_the_migrations_run_on_wagtail_7_4_too():
    for path in PACKAGE.rglob("migrations/0*.py"):
        text = path.read_text()
        assert "WAGTAIL_PAGE_MODEL" not in text, path.name
        late = re.findall(r'"wagtailcore",\s*"(\d{4})', text)
        assert all(number <= "0097" for number in late), path.name


def test_the_readme_names_every_setting():
    settings = {
        conf.PREFIX + name.upper()
        for name, function in inspect.getmembers(conf, inspect.isfunction)
        if function.__module__ == conf.__name__ and not name.startswith("_")
    }
    documented = set(re.findall(rf"^\|\s*`({conf.PREFIX}\w+)`", readme(), flags=re.MULTILINE))
    assert documented == settings


def test_the_readme_names_every_signal():
    ours = [name for name, value in vars(signals).items() if isinstance(value, Signal)]
    text = readme()
    assert ours and [name for name in ours if f"`{name}`" not in text] == []
