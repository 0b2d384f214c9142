import hashlib
import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from orsta.core import crypto, errors
from orsta.core.api import idempotency, tasks
from orsta.core.api.models import IdempotencyRecord
from orsta.core.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db


def request(key: str | None = "k1", *, body: object = None, path: str = "/v1/x") -> Request:
    headers = {} if key is None else {"Idempotency-Key": key}
    raw = APIRequestFactory().post(path, body or {"a": 1}, format="json", headers=headers)
    return Request(raw, parsers=[JSONParser()])


class Effect:
    """Writes a row and answers its number."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Response:
        self.calls += 1
        OutboxEvent.objects.create(name="effect", shard="s", lane=0, payload={})
        return Response({"call": self.calls, "at": timezone.now()}, 201)


def test_the_same_request_twice_has_one_effect_and_one_answer():
    effect = Effect()

    first = idempotency.run(request(), scope="tenant:1", effect=effect)
    second = idempotency.run(request(), scope="tenant:1", effect=effect)

    assert effect.calls == 1
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.data == idempotency._plain(first.data)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers


def test_without_a_key_every_request_counts():
    effect = Effect()

    idempotency.run(request(None), scope="tenant:1", effect=effect)
    idempotency.run(request(None), scope="tenant:1", effect=effect)

    assert effect.calls == 2
    assert not IdempotencyRecord.objects.exists()


def test_two_scopes_may_use_the_same_key():
    effect = Effect()

    idempotency.run(request(), scope="tenant:1", effect=effect)
    idempotency.run(request(), scope="tenant:2", effect=effect)

    assert effect.calls == 2


@pytest.mark.parametrize(
    "other", [{"body": {"a": 2}}, {"path": "/v1/y"}, {"path": "/v1/x?z=1"}]
)
def test_the_key_of_another_request_is_refused(other):
    effect = Effect()
    idempotency.run(request(), scope="tenant:1", effect=effect)

    with pytest.raises(idempotency.KeyReused):
        idempotency.run(request(**other), scope="tenant:1", effect=effect)

    assert effect.calls == 1


def test_the_order_of_members_makes_no_other_request():
    effect = Effect()
    idempotency.run(request(body={"a": 1, "b": 2}), scope="tenant:1", effect=effect)

    idempotency.run(request(body={"b": 2, "a": 1}), scope="tenant:1", effect=effect)

    assert effect.calls == 1


def test_a_request_that_failed_can_be_sent_again():
    def refuse() -> Response:
        OutboxEvent.objects.create(name="half", shard="s", lane=0, payload={})
        raise errors.Conflict("Not now.")

    effect = Effect()
    with pytest.raises(errors.Conflict):
        idempotency.run(request(), scope="tenant:1", effect=refuse)
    answer = idempotency.run(request(), scope="tenant:1", effect=effect)

    assert answer.data["call"] == 1
    assert list(OutboxEvent.objects.values_list("name", flat=True)) == ["effect"]


def test_an_answer_is_forgotten_after_a_day():
    effect = Effect()
    idempotency.run(request(), scope="tenant:1", effect=effect)
    old = timezone.now() - idempotency.KEEP - timedelta(seconds=1)
    IdempotencyRecord.objects.update(created_at=old)

    idempotency.run(request(), scope="tenant:1", effect=effect)

    assert effect.calls == 2
    assert IdempotencyRecord.objects.count() == 1


def test_the_prune_task_drops_only_what_is_old():
    effect = Effect()
    idempotency.run(request("old"), scope="tenant:1", effect=effect)
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=25))
    idempotency.run(request("new"), scope="tenant:1", effect=effect)

    tasks.prune_idempotency()

    assert list(IdempotencyRecord.objects.values_list("key", flat=True)) == ["new"]


@pytest.mark.parametrize("key", ["x" * 256, "a\x00b", "a\nb"])
def test_an_unusable_key_is_refused(key):
    effect = Effect()
    raw = request(None)
    raw._request.META["HTTP_IDEMPOTENCY_KEY"] = key

    with pytest.raises(idempotency.BadKey):
        idempotency.run(raw, scope="tenant:1", effect=effect)

    assert effect.calls == 0


@pytest.mark.django_db(transaction=True)
def test_a_request_that_still_runs_is_not_run_twice():
    inside, may_end = threading.Event(), threading.Event()
    effect = Effect()
    answers = []

    def slow() -> Response:
        inside.set()
        may_end.wait(10)
        return effect()

    def first() -> None:
        from django.db import connection

        answers.append(idempotency.run(request(), scope="tenant:1", effect=slow))
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(10)
    with pytest.raises(idempotency.StillRunning):
        idempotency.run(request(), scope="tenant:1", effect=effect)
    may_end.set()
    thread.join(10)

    replayed = idempotency.run(request(), scope="tenant:1", effect=effect)
    assert effect.calls == 1
    assert replayed.data == idempotency._plain(answers[0].data)


@pytest.mark.django_db(transaction=True)
def test_many_equal_requests_at_once_have_one_effect(race):
    effect = Effect()

    results = race(10, lambda: idempotency.run(request(), scope="tenant:1", effect=effect))

    assert OutboxEvent.objects.count() == 1
    done = [result for result in results if isinstance(result, Response)]
    waiting = [result for result in results if isinstance(result, idempotency.StillRunning)]
    assert len(done) + len(waiting) == 10
    assert {answer.data["call"] for answer in done} == {1}


@pytest.mark.django_db(transaction=True)
def test_the_answer_is_kept_only_if_the_effect_commits():
    effect = Effect()
    with transaction.atomic():
        idempotency.run(request(), scope="tenant:1", effect=effect)
        transaction.set_rollback(True)

    assert not IdempotencyRecord.objects.exists()
    assert not OutboxEvent.objects.exists()


def test_a_replay_never_shows_a_secret_again():
    def effect() -> Response:
        answer = {"api_key": "ork_1", "keys": [{"id": 1, "api_key": "ork_2"}], "note": "once"}
        return Response(answer, 201)

    first = idempotency.run(request(), scope="tenant:1", effect=effect, secrets=("api_key",))
    second = idempotency.run(request(), scope="tenant:1", effect=effect, secrets=("api_key",))

    assert first.data["api_key"] == "ork_1"
    assert second.data == {
        "api_key": "",
        "keys": [{"id": 1, "api_key": ""}],
        "note": "once",
    }
    assert "ork_" not in str(IdempotencyRecord.objects.get().body)


def test_what_was_asked_cannot_be_guessed_from_the_record():
    body = {"password": "correct horse 1"}
    idempotency.run(request(body=body), scope="tenant:1", effect=Effect())

    kept = IdempotencyRecord.objects.get().fingerprint

    text = 'POST /v1/x {"password": "correct horse 1"}'
    assert kept == ":".join(crypto.digest(text))
    assert hashlib.sha256(text.encode()).hexdigest() not in kept


def test_an_answer_outlives_a_new_pepper_but_not_the_end_of_its_own(settings):
    effect = Effect()
    old = settings.ORSTA_KEY_PEPPERS
    idempotency.run(request(), scope="tenant:1", effect=effect)

    settings.ORSTA_KEY_PEPPERS = {"p2": b"q" * 32} | old
    idempotency.run(request(), scope="tenant:1", effect=effect)
    settings.ORSTA_KEY_PEPPERS = {"p2": b"q" * 32}
    with pytest.raises(idempotency.KeyReused):
        idempotency.run(request(), scope="tenant:1", effect=effect)

    assert effect.calls == 1


def test_an_answer_without_a_body_is_replayed_too():
    def effect() -> Response:
        return Response(status=204)

    idempotency.run(request(), scope="tenant:1", effect=effect)

    assert idempotency.run(request(), scope="tenant:1", effect=effect).status_code == 204
