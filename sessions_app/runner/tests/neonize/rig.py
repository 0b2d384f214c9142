"""What the lane's tests hold in their hands: runners of real hosts, shops and their phones."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.tests.factories import make_api_key
from sessions_app.messaging.models import Message
from sessions_app.models import Lease, PairingChallenge, SessionTransition
from sessions_app.runner.tests.test_runner import becomes, eventually, running
from sessions_app.runner.tuning import Tuning
from sessions_app.services import provisioning
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer

ANN, BEN, EVE = "15550100001", "15550100123", "15550100456"
# As deployed, but without the waits that spare a real WhatsApp.
TUNED = Tuning(flap=6.0, connects_per_second=50.0, first_wait=0.1, longest_wait=0.5)
PROCESS = "sessions_app.runner.tests.neonize.runner_process"
SECONDS = 45  # generous: it only ends a test that would hang


class Shop:
    """A tenant's session with its API, and the phone whose account it takes."""

    def __init__(self, phone, **options):
        self.phone = phone
        tenant = make_customer()
        self.session = provisioning.create_session(
            tenant=tenant, now=timezone.now(), name="shop", engine="neonize", **options
        )
        provisioning.provision(session_id=self.session.pk, now=timezone.now())
        self.path = f"/v1/sessions/{self.session.public_id}"
        self._api = APIClient()
        self._api.credentials(HTTP_X_API_KEY=make_api_key(tenant).text)

    def post(self, path, **body):
        answer = self._api.post(f"{self.path}/{path}", body, format="json")
        assert answer.status_code < 300, answer.content
        return answer.json()

    def get(self, path=""):
        answer = self._api.get(f"{self.path}/{path}" if path else self.path)
        return answer.json() if answer.status_code == 200 else {}

    def delete(self):
        assert self._api.delete(self.path).status_code < 300

    def send(self, **draft):
        """Have a message accepted; return its row."""
        accepted = self.post("messages", **draft)["message"]
        return Message.objects.get(public_id=accepted["id"])

    def becomes(self, status):
        becomes(self.session, status)

    def wait_for_code(self, *, other_than=""):
        """Return what the QR code says, once there is another one."""

        def shows():  # the API would refuse to be asked so often
            shown = PairingChallenge.objects.filter(session=self.session)
            return {one.text for one in shown} - {other_than}

        eventually(shows, seconds=SECONDS)
        return self.get("qr")["qr"]

    def link(self):
        self.phone.scan(self.wait_for_code())
        self.becomes(SessionStatus.CONNECTED)

    def received(self):
        return [message.text for message in self.inbound()]

    def inbound(self):
        return Message.objects.filter(session=self.session, status="RECEIVED").order_by("pk")

    def wait_received(self, *texts):
        """Wait until these texts came, each once; return the last one's row."""
        eventually(lambda: sorted(self.received()) == sorted(texts), seconds=SECONDS)
        return self.inbound().get(text=texts[-1])

    def steps(self):
        """Return the statuses that the session went through, in order."""
        steps = SessionTransition.objects.filter(session=self.session).order_by("pk")
        return list(steps.values_list("new", flat=True))

    def is_let_go(self):
        return Lease.objects.get(pk=self.session.pk).owner == ""


def reaches(message, status):
    """Wait until a message of ours got that far."""

    def there():
        message.refresh_from_db()
        return message.status == status

    eventually(there, seconds=SECONDS)


@contextmanager
def linked(*shops, tuned=TUNED):
    """Run a runner, with these sessions connected."""
    with running(tuned=tuned) as runner:
        for shop in shops:
            shop.link()
        yield runner


def host_of(runner, shop):
    """Return the process id of the session's host."""
    worker = runner.supervisor.holdings.workers[shop.session.pk]
    return worker.line.connection._keeper._process.pid


def _somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.rowcount


class RunnerProcess:
    """`manage.py run_sessions` in a process that can be killed."""

    def __init__(self, environment):
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", PROCESS],
            env=environment,
            cwd=settings.BASE_DIR,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self):
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=10)

    def give_leases_up(self):
        """Let the leases of the dead run out at once instead of in half a minute.

        Its last statements may still wait in the database, a renewal among them.
        """
        eventually(lambda: not _somebody_waits())
        Lease.objects.exclude(owner="").update(expires_at=timezone.now())
