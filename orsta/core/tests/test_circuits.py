import threading

import pytest

from orsta.core.circuits import Circuit, CircuitOpen


class Away(Exception):
    pass


@pytest.fixture
def circuit():
    return Circuit(failures=(Away,), silence_seconds=5)


def fail(circuit, error=Away):
    with pytest.raises(error), circuit:
        raise error


def test_who_comes_after_a_failure_is_turned_away(circuit):
    fail(circuit)

    fail_fast(circuit)


def fail_fast(circuit):
    with pytest.raises(CircuitOpen), circuit:
        raise AssertionError("this must not run")


def test_other_exceptions_are_answers(circuit):
    fail(circuit, ValueError)

    with circuit:
        pass
    assert not circuit.is_open


def test_it_takes_as_many_failures_in_a_row_as_the_threshold_says():
    circuit = Circuit(failures=(Away,), silence_seconds=5, threshold=3)

    fail(circuit)
    fail(circuit)
    with circuit:
        pass
    fail(circuit)
    fail(circuit)
    assert not circuit.is_open

    fail(circuit)
    fail_fast(circuit)


def test_after_the_silence_one_caller_asks_and_the_others_still_do_not():
    circuit = Circuit(failures=(Away,), silence_seconds=0.05)
    fail(circuit)
    asking, over = threading.Event(), threading.Event()

    def ask():
        with circuit:
            asking.set()
            over.wait(10)

    while circuit.asks_again_in:
        over.wait(0.01)
    circuit._silence = 60
    caller = threading.Thread(target=ask)
    caller.start()
    asking.wait(10)
    fail_fast(circuit)
    over.set()
    caller.join()

    with circuit:
        pass


def test_one_who_asks_and_never_returns_does_not_keep_it_open_for_ever():
    circuit = Circuit(failures=(Away,), silence_seconds=0.01)
    fail(circuit)
    while circuit.asks_again_in:
        threading.Event().wait(0.01)
    circuit.__enter__()
    while circuit.asks_again_in:
        threading.Event().wait(0.01)

    with circuit:
        pass
    assert not circuit.is_open


def test_a_cancelled_call_says_nothing():
    circuit = Circuit(failures=(Away,), silence_seconds=0)
    fail(circuit)

    with pytest.raises(KeyboardInterrupt), circuit:
        raise KeyboardInterrupt

    assert circuit.is_open
