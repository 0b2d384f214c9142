"""Unfold's templates, changed as they load: no `unsafe-eval`, and a code at the login.

Unfold evaluates expressions from its HTML with Alpine, which a strict Content-Security-Policy
forbids. Alpine's CSP build (static/backoffice/alpine) parses them itself, all but a handful;
these are replaced here. A replacement that no longer fits the installed Unfold is an error,
not a page that silently stops working. The change was declined upstream
(https://github.com/unfoldadmin/django-unfold/issues/2129).
"""

from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.template import Origin
from django.template.loaders import app_directories


@dataclass(frozen=True, slots=True)
class Change:
    """Replace everything from `start` to the end of `stop` by `new`."""

    start: str
    new: str
    stop: str = ""

    def apply(self, text: str, template: str) -> str:
        """Return the changed text.

        :raises ImproperlyConfigured: the place is not there, or not once.
        """
        begin = text.find(self.start)
        end = text.find(self.stop, begin) + len(self.stop)
        if text.count(self.start) != 1 or end < begin + len(self.stop):
            message = f"{template}: the installed Unfold has changed at {self.start!r}."
            raise ImproperlyConfigured(message)
        return text[:begin] + self.new + text[end if self.stop else begin + len(self.start) :]


CHANGES: dict[str, list[Change]] = {
    "admin/login.html": [
        Change(
            '{% include "unfold/helpers/field.html" with field=form.password %}',
            '{% include "unfold/helpers/field.html" with field=form.password %}\n'
            '{% include "unfold/helpers/field.html" with field=form.code %}',
        ),
    ],
    "unfold/layouts/skeleton.html": [
        Change(
            '<style id="unfold-theme-colors">',
            '<style id="unfold-theme-colors" nonce="{{ request.csp_nonce }}">',
        ),
        Change(
            'x-data="{\n',
            "x-data=\"unfoldBody('{% if opts %}{% tabs_primary_active inline_admin_formsets %}"
            "{% endif %}', {% if opts %}true{% else %}false{% endif %})\"\n",
            stop="value ? '1' : '0'));\n                 \"\n",
        ),
        Change(
            "<script src=\"{% static 'unfold/js/alpine/alpine.js' %}\" defer></script>",
            "<script src=\"{% static 'backoffice/alpine/shim.js' %}\" defer></script>\n"
            "<script src=\"{% static 'backoffice/alpine/alpine-csp-3.17.4.min.js' %}\" defer>"
            "</script>",
        ),
        Change(
            "<script src=\"{% static 'unfold/js/htmx/htmx.js' %}\"></script>",
            '<meta name="htmx-config" '
            'content=\'{"allowEval": false, "includeIndicatorStyles": false}\'>\n'
            "<script src=\"{% static 'unfold/js/htmx/htmx.js' %}\"></script>",
        ),
    ],
    "unfold/helpers/welcomemsg.html": [
        Change(
            " localStorage.setItem('sidebarDesktopOpen', sidebarDesktopOpen ? '1' : '0');", ""
        ),
    ],
    "unfold/helpers/search.html": [
        Change(
            "if ($refs.searchInput.value === '') { $refs.searchInput.blur() } "
            "else { $refs.searchInput.value = '' }",
            "clearOrBlur($refs.searchInput)",
        ),
    ],
    "unfold/helpers/command.html": [
        Change(
            "if (!$event.metaKey && !$event.ctrlKey) selectItem(",
            "!$event.metaKey && !$event.ctrlKey && selectItem(",
        ),
    ],
    "admin/change_form.html": [
        Change(
            "activeTab && activeTab !== 'general' ? ",
            "formAction(activeTab)",
            stop=": window.location.pathname + window.location.search",
        ),
    ],
    "admin/actions.html": [
        Change("'width: ' + changeListWidth + 'px'", "{ width: changeListWidth + 'px' }"),
    ],
}


class Loader(app_directories.Loader):
    """Loads the apps' templates; Unfold's with their changes."""

    def get_contents(self, origin: Origin) -> str:
        """Return the template's text."""
        text: str = super().get_contents(origin)
        if "/unfold/templates/" not in str(origin.name):
            return text
        for change in CHANGES.get(str(origin.template_name), []):
            text = change.apply(text, str(origin.template_name))
        return text
