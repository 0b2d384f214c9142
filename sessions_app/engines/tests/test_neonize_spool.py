"""What a host heard is on disk until the database has it, whatever ends the host."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from unittest.mock import Mock

import pytest

from sessions_app.engines.neonize.spool import Spool


def test_what_was_not_acknowledged_is_there_after_a_crash(tmp_path):
    with Spool(tmp_path) as spool:
        assert spool.open() == []
        first, second, third = (spool.append(17, data) for data in (b"a", b"b", b"c"))
        spool.ack(first.seq)

    with Spool(tmp_path) as spool:
        assert spool.open() == [second, third]


def test_numbers_go_on_after_everything_was_acknowledged(tmp_path):
    with Spool(tmp_path) as spool:
        spool.open()
        first = spool.append(17, b"a")
        spool.ack(first.seq)

    with Spool(tmp_path) as spool:
        assert spool.open() == []
        assert spool.append(17, b"b").seq == first.seq + 1


def test_a_torn_last_record_costs_only_itself(tmp_path):
    with Spool(tmp_path) as spool:
        spool.open()
        whole = spool.append(17, b"whole")
        spool.append(17, b"torn")
    (file,) = tmp_path.glob("*.spool")
    file.write_bytes(file.read_bytes()[:-1])

    with Spool(tmp_path) as spool:
        assert spool.open() == [whole]
        assert spool.append(17, b"next").seq == whole.seq + 1

    with Spool(tmp_path) as spool:
        assert [entry.data for entry in spool.open()] == [b"whole", b"next"]


def test_a_full_spool_makes_whatsapp_wait_until_there_is_room(tmp_path):
    with Spool(tmp_path, limit_bytes=10) as spool:
        spool.open()
        first = spool.append(17, b"more than ten bytes")
        waiting = threading.Thread(target=spool.append, args=(17, b"x"))
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()

        spool.ack(first.seq)

        waiting.join(10)
        assert not waiting.is_alive()


def test_a_write_that_failed_can_be_repeated(tmp_path, monkeypatch):
    with Spool(tmp_path) as spool:
        spool.open()
        monkeypatch.setattr("os.fdatasync", Mock(side_effect=[OSError("full"), None]))
        with pytest.raises(OSError, match="full"):
            spool.append(17, b"a long record that did not make it")
        kept = spool.append(17, b"kept")

    with Spool(tmp_path) as spool:
        assert spool.open() == [kept]


def test_what_was_acknowledged_leaves_the_disk(tmp_path):
    with Spool(tmp_path) as spool:
        spool.open()
        for _ in range(3):
            last = spool.append(17, b"x" * (5 * 2**20))
        spool.ack(last.seq)

        assert sum(file.stat().st_size for file in tmp_path.glob("*.spool")) == 0


def test_only_its_owner_can_read_it(tmp_path):
    with Spool(tmp_path / "ses_1") as spool:
        spool.open()
        spool.append(17, b"a secret")

    assert (tmp_path / "ses_1").stat().st_mode & 0o077 == 0


def test_zeros_that_a_power_cut_left_are_no_records(tmp_path):
    with Spool(tmp_path) as spool:
        spool.open()
        kept = spool.append(17, b"kept")
    (file,) = tmp_path.glob("*.spool")
    file.write_bytes(file.read_bytes() + bytes(4096))

    for _ in range(2):  # reading it forgets nothing
        with Spool(tmp_path) as spool:
            assert spool.open() == [kept]


def test_what_comes_after_a_torn_file_is_there_after_the_next_crash(tmp_path, monkeypatch):
    monkeypatch.setattr("sessions_app.engines.neonize.spool._SEGMENT_BYTES", 1)
    with Spool(tmp_path) as spool:
        spool.open()
        first = spool.append(17, b"first")
        spool.append(17, b"torn")
    torn = max(tmp_path.glob("*.spool"))
    torn.write_bytes(torn.read_bytes()[:-1])

    with Spool(tmp_path) as spool:
        assert spool.open() == [first]
        second = spool.append(17, b"second")
        spool.ack(first.seq)

    with Spool(tmp_path) as spool:
        assert spool.open() == [second]


def test_a_next_file_that_can_not_be_made_now_is_made_later(tmp_path, monkeypatch):
    monkeypatch.setattr("sessions_app.engines.neonize.spool._SEGMENT_BYTES", 1)
    with Spool(tmp_path) as spool:
        spool.open()
        first = spool.append(17, b"first")
        with monkeypatch.context() as full:
            full.setattr(Path, "touch", Mock(side_effect=OSError("full")))
            with pytest.raises(OSError, match="full"):
                spool.append(17, b"second")
        spool.ack(first.seq)
        second = spool.append(17, b"second")

    with Spool(tmp_path) as spool:
        assert spool.open() == [second]


def test_a_full_disk_keeps_nobody_from_acknowledging(tmp_path):
    with Spool(tmp_path) as spool, Path("/dev/full").open("r+b", buffering=0) as full:
        spool.open()
        first = spool.append(17, b"first")
        os.dup2(full.fileno(), spool._marks.fileno())

        spool.ack(first.seq)

        assert sum(file.stat().st_size for file in tmp_path.glob("*.spool")) == 0
