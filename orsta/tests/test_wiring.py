"""Django, Celery and the database agree with what the code says."""

import ast
import inspect
from inspect import Parameter
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import models

from accounts.tenancy import TenantOwnedModel
from orsta import celery
from orsta.celery import app
from orsta.core.observability import tracing

OURS = [
    config
    for config in apps.get_app_configs()
    if Path(config.path).is_relative_to(settings.BASE_DIR) and ".venv" not in config.path
]
MODELS = [model for config in OURS for model in config.get_models()]
# Closed sets that are written by more than one hand; free text has no choices.
CHECKED = {"status", "state", "desired", "kind", "role", "direction", "quota"}


def test_nested_apps_own_their_models():
    assert apps.get_model("messaging.Message").__module__ == "sessions_app.messaging.models"
    assert apps.get_model("contacts.Contact").__module__ == "sessions_app.contacts.models"


def test_every_closed_set_is_closed_in_the_database_too():
    missing = []
    for model in MODELS:
        checked = " ".join(
            str(constraint.condition)
            for constraint in model._meta.constraints
            if isinstance(constraint, models.CheckConstraint)
        )
        missing += [
            f"{model.__name__}.{field.name}"
            for field in model._meta.concrete_fields
            if field.choices and field.name in CHECKED and f"{field.name}__in" not in checked
        ]

    assert missing == []


def test_every_index_of_ours_is_named_for_its_reader():
    unnamed = [
        index.name
        for model in MODELS
        for index in model._meta.indexes
        if index.name.endswith("_idx")
    ]

    assert unnamed == []


@pytest.mark.django_db
def test_the_migrations_are_complete():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize(
    "config", [c for c in OURS if list(c.get_models())], ids=lambda c: c.label
)
def test_an_app_starts_with_one_migration(config):
    names = sorted(path.name for path in (Path(config.path) / "migrations").glob("0*.py"))

    assert names == ["0001_initial.py"]


def test_celery_finds_the_tasks_of_every_app():
    app.loader.import_default_modules()
    files = [
        Path(config.path) / "tasks.py"
        for config in OURS
        if (Path(config.path) / "tasks.py").exists()
    ]
    written = {
        f"{config.name}.tasks.{node.name}"
        for config in OURS
        if (Path(config.path) / "tasks.py") in files
        for node in ast.parse((Path(config.path) / "tasks.py").read_text()).body
        if isinstance(node, ast.FunctionDef) and "shared_task" in ast.dump(node)
    }

    assert written
    assert written - set(app.tasks) == set()


def test_every_scheduled_task_exists():
    app.loader.import_default_modules()

    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert scheduled - set(app.tasks) == set()


def test_every_task_takes_ids_and_tolerates_what_newer_callers_send():
    app.loader.import_default_modules()
    for name, task in app.tasks.items():
        if name.startswith("celery."):
            continue
        kinds = {
            parameter.kind for parameter in inspect.signature(task.run).parameters.values()
        }
        assert kinds <= {Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD}, f"{name}: positional"
        assert Parameter.VAR_KEYWORD in kinds, f"{name} refuses unknown keywords"


def test_a_tasks_log_lines_carry_its_id():
    tracing.start("something-before")

    celery.begin_trace(task_id="5f0c7a9e-1111-2222-3333-444455556666")

    assert tracing.current() == "5f0c7a9e-1111-2222-3333-444455556666"


# Files and folders that face callers. Subscribers and tasks do not: their ids are our own.
INTERFACES = {"api", "views", "api.py", "views.py", "hooks.py", "actions.py", "consumers.py"}
OWNED = {model.__name__ for model in MODELS if issubclass(model, TenantOwnedModel)}


def interface_files() -> list[Path]:
    """Return the modules that face callers."""
    return [
        path
        for root in ("accounts", "subscriptions", "billing", "sessions_app")
        for path in sorted((settings.BASE_DIR / root).rglob("*.py"))
        if not {"tests", "services"} & set(path.parts) and INTERFACES & set(path.parts)
    ]


@pytest.mark.parametrize(
    "path", interface_files(), ids=lambda path: str(path.relative_to(settings.BASE_DIR))
)
def test_what_faces_callers_never_reads_a_tenants_rows_by_itself(path):
    """It goes through a selector that starts with the tenant; a raw manager does not."""
    raw = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr == "objects"
        and ast.unparse(node.value).rpartition(".")[2] in OWNED
    ]

    assert raw == []
