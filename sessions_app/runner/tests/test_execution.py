"""What becomes of commands, with engines that can and can't tell a repetition."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from sessions_app.engines import events
from sessions_app.engines.answers import SendResult
from sessions_app.engines.base import EngineError
from sessions_app.engines.capabilities import Capability
from sessions_app.engines.tests.live import live
from sessions_app.ingest.reports import Executed, HandedOver, Heard, PairingCodeIssued, PutOff
from sessions_app.messaging.services import outcomes
from sessions_app.runner.jobs import JOBS
from sessions_app.runner.lanes import Lane
from sessions_app.runner.tests.odd import JID, OddEngine, Reports, offered, says, until, working
from sessions_app.states import CommandKind, CommandState

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
UP = events.Connected(JID)


@pytest.fixture
def engine():
    with offered(OddEngine()) as made:
        made.now = NOON
        made.code_valid_for = timedelta(seconds=160)
        made.plays = [says(UP)]
        yield made


@pytest.fixture
def reports():
    return Reports()


def command(pk=7, kind=CommandKind.SEND, **fields):
    payload = {"message_id": f"msg_{pk}", "wa_id": f"WA{pk}", "to": JID, "text": "hello"}
    values = {"pk": pk, "kind": kind, "payload": payload, "attempts": 0, "expires_at": None}
    return SimpleNamespace(**(values | fields))


async def execute(engine, reports, *commands, lane=Lane.SENDS, **tuning):
    """Run commands on a connected session; return the reports that they made."""
    async with working(engine, reports, **tuning) as worker:
        await until(lambda: worker.connected and worker.line.connection)
        before = len(reports.all)
        worker.lanes.take(commands, lane)
        await until(lambda: worker.lanes.room(Lane.OTHERS, 1) or not worker.connected)
        await until(lambda: lane not in worker.lanes._running)
        return reports.all[before:]


def fails(**how):
    async def send(_):
        raise EngineError("no luck", **how)

    return send


@live
async def test_a_send_is_handed_over_before_an_engine_gets_it_that_can_not_tell_repeats(
    engine, reports
):
    made = await execute(engine, reports, command())

    handed, ended = made
    assert handed == HandedOver(1, 1, (7,))
    assert (ended.ending.state, ended.outcome) == (
        CommandState.DONE,
        outcomes.Sent("msg_7", "WA7", NOON),
    )


@live
async def test_what_the_next_owner_may_execute_is_not_handed_over(engine, reports):
    reports.lost = {(1, 1)}

    (handed,) = await execute(engine, reports, command(7), command(8))

    assert handed == HandedOver(1, 1, (7,))
    assert engine.sent == []


@live
async def test_an_engine_that_takes_our_ids_needs_no_note(engine, reports):
    engine.capabilities = engine.capabilities | {Capability.CLIENT_MESSAGE_ID}

    made = await execute(engine, reports, command())

    assert [type(report) for report in made] == [Executed]


@live
async def test_sends_keep_their_order_and_one_is_in_flight(engine, reports):
    under_way = []

    async def send(message):
        under_way.append(message.message_id)
        assert len(under_way) == 1
        under_way.pop()
        return SendResult(message.message_id, NOON)

    engine.send = send
    await execute(engine, reports, *(command(number) for number in range(1, 6)))

    assert [message.message_id for message in engine.sent] == [f"WA{n}" for n in range(1, 6)]


@live
async def test_a_failure_that_may_pass_puts_the_command_off(engine, reports):
    engine.send = fails(retryable=True)

    made = await execute(engine, reports, command(), command(8))

    assert isinstance(made[-1], PutOff)
    assert (made[-1].command_id, made[-1].attempts) == (7, 1)
    assert len(engine.sent) == 1  # the one behind it waits


@pytest.mark.parametrize(
    ("how", "state", "outcome"),
    [
        ({}, CommandState.FAILED, outcomes.Failed("msg_7", "no luck")),
        ({"outcome_unknown": True}, CommandState.UNKNOWN, outcomes.Unknown("msg_7", "no luck")),
    ],
)
@live
async def test_a_failure_says_what_is_known(engine, reports, how, state, outcome):
    engine.send = fails(**how)

    made = await execute(engine, reports, command())

    assert (made[-1].ending.state, made[-1].outcome) == (state, outcome)


@live
async def test_what_an_engine_complains_of_is_text_that_the_database_takes(engine, reports):
    async def send(_):
        raise EngineError("no \x00 luck \ud83d")

    engine.send = send

    made = await execute(engine, reports, command())

    assert made[-1].ending.error == made[-1].outcome.error == "no  luck "


@live
async def test_new_chats_that_whatsapp_refuses_fail_and_the_others_go_on(engine, reports):
    async def send(message):
        if message.message_id == "WA7":
            raise EngineError("reach-out timelock", code="463")
        return SendResult(message.message_id, NOON)

    engine.send = send

    made = await execute(engine, reports, command(7), command(8))

    assert events.Restricted() in reports.events()
    states = [report.ending.state for report in made if isinstance(report, Executed)]
    assert states == [CommandState.FAILED, CommandState.DONE]


@live
async def test_a_command_that_is_late_is_not_executed(engine, reports):
    late = command(expires_at=timezone.now())

    (ended,) = await execute(engine, reports, late)

    assert engine.sent == []
    assert ended.ending.state == CommandState.EXPIRED
    assert isinstance(ended.outcome, outcomes.Failed)


@live
async def test_a_session_sends_no_faster_than_its_engine_allows(engine, reports):
    numbers = range(1, 6)

    await execute(
        engine, reports, *(command(number) for number in numbers), send_rates={"odd": (3, 60.0)}
    )

    assert len(engine.sent) == 3


@live
async def test_a_code_to_type_is_reported_and_is_not_in_the_answer(engine, reports):
    wanted = command(kind=CommandKind.PAIR_CODE, payload={"phone": "15550100001"})

    issued, ended = await execute(engine, reports, wanted, lane=Lane.OTHERS)

    assert issued == PairingCodeIssued(1, 1, "ABCD-EFGH", timedelta(seconds=160))
    assert (ended.ending.state, ended.ending.result) == (CommandState.DONE, {})


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (CommandKind.ANSWER_PASSKEY, {"response": {}}),
        (CommandKind.CONFIRM_PASSKEY, {"code": "1234"}),
    ],
)
@live
async def test_an_answer_to_whatsapp_is_given_once(engine, reports, kind, payload):
    handed, ended = await execute(
        engine, reports, command(kind=kind, payload=payload), lane=Lane.OTHERS
    )

    assert isinstance(handed, HandedOver)
    assert ended.ending.state == CommandState.FAILED  # this engine lacks passkeys


def test_every_kind_of_command_can_be_executed():
    assert set(JOBS) == set(CommandKind)


# -- webhooks ---------------------


def entry(pk, payload='{"type": "Message"}'):
    return SimpleNamespace(pk=pk, payload=payload)


async def hear(engine, reports, *entries):
    async with working(engine, reports) as worker:
        await until(lambda: worker.line.connection)
        worker.lanes.hear(entries)
        return await until(lambda: [one for one in reports.all if isinstance(one, Heard)])


@live
async def test_webhooks_are_heard_in_order(engine, reports):
    (heard,) = await hear(engine, reports, entry(1, '{"n": 1}'), entry(2, '{"n": 2}'))

    assert engine.heard == [{"n": 1}, {"n": 2}]
    assert heard.entries == {1: "", 2: ""}


@live
async def test_a_webhook_that_fails_holds_back_those_behind_it(engine, reports):
    async def refuse(_):
        raise EngineError("no such chat")

    engine.hear = refuse

    (heard,) = await hear(engine, reports, entry(1), entry(2))

    assert heard.entries == {1: "no such chat"}


@live
async def test_a_webhook_that_meets_a_closed_connection_is_not_to_blame(engine, reports):
    async def close(_):
        engine.opened[0].sink._worker.line.connection = None

    engine.hear = close

    (heard,) = await hear(engine, reports, entry(1), entry(2))

    assert heard.entries == {1: ""}


@live
async def test_a_webhook_that_is_no_json_is_an_error_of_its_own(engine, reports):
    (heard,) = await hear(engine, reports, entry(1, "{"))

    assert heard.entries == {1: "JSONDecodeError"}
