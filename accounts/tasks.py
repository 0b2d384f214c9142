"""Background work on accounts: load, call one service."""

from celery import shared_task
from django.utils import timezone

from accounts.models import LinkPurpose, Tenant, User
from accounts.services import audit_check, exports, mail, proofs, purging, spent


@shared_task
def send_mail(*, mail_id: str, **_: object) -> None:
    """Try to send a mail; one that fails is due again later."""
    mail.send(mail_id=mail_id, now=timezone.now())


@shared_task
def resume_mail(**_: object) -> None:
    """Enqueue mails whose next attempt is due, or whose task was lost."""
    for mail_id in mail.due(now=timezone.now()):
        send_mail.delay(mail_id=mail_id)


@shared_task
def issue_proof(*, user_id: str, purpose: str, **_: object) -> None:
    """Mail a person the code and link they asked for."""
    user = User.objects.filter(public_id=user_id).first()
    if user is not None:
        proofs.issue(user=user, purpose=LinkPurpose(purpose), now=timezone.now())


@shared_task
def forget_spent(**_: object) -> None:
    """Delete credentials that opened nothing for long, and mails long sent."""
    spent.forget(now=timezone.now())


@shared_task
def write_export(*, export_id: str, **_: object) -> None:
    """Write one archive of a tenant."""
    exports.write(export_id=export_id, now=timezone.now())


@shared_task
def tend_exports(**_: object) -> None:
    """Enqueue archives whose writer was lost, and delete those kept long enough."""
    now = timezone.now()
    for export_id in exports.due(now=now):
        write_export.delay(export_id=export_id)
    exports.expire(now=now)


@shared_task
def purge_tenant(*, tenant_id: str, **_: object) -> None:
    """Remove what a tenant has; what is not done yet is tried again by `purge_tenants`."""
    tenant = Tenant.objects.get(public_id=tenant_id)
    purging.purge(tenant=tenant, now=timezone.now())


@shared_task
def purge_tenants(**_: object) -> None:
    """Enqueue the purge of every tenant whose grace is over."""
    for tenant_id in purging.due(now=timezone.now()):
        purge_tenant.delay(tenant_id=tenant_id)


@shared_task
def verify_audit(**_: object) -> None:
    """Check that nobody tampered with the audit log."""
    audit_check.verify(now=timezone.now())
