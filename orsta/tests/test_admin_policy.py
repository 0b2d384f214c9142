"""The admin under a strict Content-Security-Policy: Unfold's templates with our changes."""

from importlib.metadata import version
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.exceptions import ImproperlyConfigured
from django.template import engines
from django.template.loader import get_template
from django.urls import reverse

from accounts.tests.factories import make_user
from orsta.backoffice import templates
from orsta.backoffice.templates import CHANGES, Change


@pytest.mark.parametrize("template", CHANGES)
def test_every_change_fits_the_installed_unfold(template):
    text = get_template(template).template.source

    for change in CHANGES[template]:
        assert change.start not in text or change.start in change.new
        assert change.new in text


def test_the_changes_were_made_for_this_unfold():
    assert version("django-unfold") == "0.91.0", "read the changes again, then this line"


def test_a_change_that_does_not_fit_is_an_error():
    with pytest.raises(ImproperlyConfigured, match="skeleton"):
        Change("gone", "new").apply("text", "skeleton.html")
    with pytest.raises(ImproperlyConfigured):
        Change("twice", "new").apply("twice twice", "x")
    with pytest.raises(ImproperlyConfigured):
        Change("begin", "new", stop="end").apply("end begin", "x")
    assert Change("begin", "new", stop="end").apply("a begin b end c", "x") == "a new c"


def test_other_templates_are_left_alone():
    loader = templates.Loader(engines["django"].engine)
    sources = loader.get_template_sources("drf_spectacular/swagger_ui.html")
    origin = next(source for source in sources if Path(source.name).exists())

    assert loader.get_contents(origin) == Path(origin.name).read_text()


@pytest.mark.django_db
def test_no_page_of_the_admin_needs_unsafe_rules(client):
    client.force_login(make_user(is_staff=True, is_superuser=True))

    for page in ("index", "accounts_tenant_changelist", "subscriptions_plan_add"):
        response = client.get(reverse(f"admin:{page}"))
        policy = response.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "script-src 'self';" in policy + ";"
        written = response.content.decode()
        nonce = policy.partition("'nonce-")[2].partition("'")[0]
        assert f'<style id="unfold-theme-colors" nonce="{nonce}">' in written
        assert "unfold/js/alpine/alpine.js" not in written


def test_the_parser_that_needs_no_eval_is_ours_and_has_its_license():
    folder = "backoffice/alpine"

    assert finders.find(f"{folder}/alpine-csp-3.17.4.min.js")
    assert finders.find(f"{folder}/shim.js")
    assert finders.find(f"{folder}/LICENSE")
