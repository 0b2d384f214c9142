"""Contacts in the background."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from sessions_app.contacts import selectors
from sessions_app.contacts.services import syncing
from sessions_app.contacts.states import SyncState

RESUME_AFTER = timedelta(seconds=30)  # a page takes well under a second


@shared_task(ignore_result=True)
def write_contacts(*, sync_id: str, **_: object) -> None:
    """Write the pages of a sync; safe to run twice, also at once."""
    syncing.write_pages(sync_id=sync_id, now=timezone.now())


@shared_task(ignore_result=True)
def sync_new_account(*, session_id: str, **_: object) -> None:
    """Request the first sync of a session; one that was synced before is left alone."""
    syncing.sync_if_never_synced(session_id=session_id, now=timezone.now())


@shared_task(ignore_result=True)
def sync_changed_contacts(*, session_id: str, **_: object) -> None:
    """Request a sync because the address book changed; see `syncing.sync_changed`."""
    wait = syncing.sync_changed(session_id=session_id, now=timezone.now())
    if wait is not None:
        seconds = wait.total_seconds()
        sync_changed_contacts.apply_async(kwargs={"session_id": session_id}, countdown=seconds)


@shared_task(ignore_result=True)
def resume_syncs(**_: object) -> None:
    """Go on with syncs whose writer died; give up those whose pages stopped coming."""
    now = timezone.now()
    syncing.fail_stalled(now=now)
    for sync_id in selectors.stalled(SyncState.WRITING, before=now - RESUME_AFTER):
        write_contacts.delay(sync_id=sync_id)
