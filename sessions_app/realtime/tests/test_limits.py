"""What one client may send, and what happens when it sends more."""

import pytest

from accounts.tests.factories import Login
from sessions_app.realtime import limits
from sessions_app.realtime.limits import Allowance
from sessions_app.realtime.tests.live import Live, play

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_huge_frame_ends_the_connection(alice: Login, letter: str) -> None:
    fits = letter * (limits.MAX_FRAME_BYTES // len(letter.encode()))

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            assert (await socket.ask(fits))["code"] == "invalid_frame"
            answer = await socket.ask(fits + letter)
            assert (answer["code"], answer["status"]) == ("frame_too_big", 400)
            assert await socket.closed() == 1009

    play(scenario)


def test_a_flood_ends_the_connection(alice: Login) -> None:
    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            for _ in range(limits.BURST * 2):
                await socket.send({"action": "ping"})
            answers = []
            while (frame := await socket.read())["action"] == "pong":
                answers.append(frame)
            assert limits.BURST <= len(answers) < limits.BURST * 2
            assert frame["code"] == "too_many_frames"
            assert await socket.closed() == 4429

    play(scenario)


def test_the_allowance_grows_back() -> None:
    allowance = Allowance(at=0)
    assert all(allowance.spend(at=0) for _ in range(limits.BURST))
    assert not allowance.spend(at=0)

    half_a_second = sum(allowance.spend(at=0.5) for _ in range(1_000))
    an_hour = sum(allowance.spend(at=3600) for _ in range(1_000))

    assert half_a_second == limits.FRAMES_PER_SECOND // 2
    assert an_hour == limits.BURST
