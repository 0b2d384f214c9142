"""`manage.py verify_audit`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.services import audit_check


class Command(BaseCommand):
    """Checks the audit log's chains; the exit status says whether they are whole."""

    help = "Check that no entry of the audit log was changed, removed or put in."

    def handle(self, *args: Any, **options: Any) -> None:
        found = audit_check.verify(now=timezone.now())
        for place in found:
            self.stderr.write(f"{place.chain} {place.seq}: {place.what}")
        if found:
            raise CommandError(f"The audit log is broken in {len(found)} places.")
        self.stdout.write(self.style.SUCCESS("The audit log is whole."))
