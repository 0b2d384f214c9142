"""Whose device is whose, and for how long: stops, new runners and purges."""

import pytest
from django.utils import timezone

from sessions_app.engines.tests.neonize_lane import in_devices
from sessions_app.runner.tests.neonize.rig import TUNED, linked
from sessions_app.runner.tests.test_runner import eventually, running
from sessions_app.services import lifecycle
from sessions_app.states import SessionStatus as S

pytestmark = [
    pytest.mark.neonize,
    pytest.mark.xdist_group("neonize"),
    pytest.mark.django_db(transaction=True),
]


def devices():
    """Return the JIDs that the store has keys of, by session id."""
    rows = in_devices(
        "SELECT own.session_id, device.jid FROM orsta_devices.whatsmeow_device device"
        " LEFT JOIN orsta_devices.session_device own USING (jid)"
    )
    return dict(rows)


def test_a_stop_and_a_start_need_no_new_code(ann):
    with linked(ann):
        ann.post("stop")
        ann.becomes(S.STOPPED)
        assert ann.phone.online_devices == []
        ann.post("start")
        ann.becomes(S.CONNECTED)

    assert ann.steps().count(S.PAIRING) == 1
    assert len(ann.phone.linked_devices) == 1


def test_a_new_runner_needs_no_new_code(ann):
    with linked(ann):
        pass
    with running("runner-2", TUNED):
        eventually(lambda: ann.phone.online_devices)
        ann.becomes(S.CONNECTED)

    assert ann.steps().count(S.PAIRING) == 1


def test_two_tenants_never_get_each_others_device(ann, ben):
    with linked(ann, ben):
        theirs = ben.session.jid
        for shop in (ann, ben):
            shop.post("stop")
            shop.becomes(S.STOPPED)
        held = devices()
        for shop in (ben, ann):
            shop.post("start")
            shop.becomes(S.CONNECTED)

    assert held == devices()
    assert {key: jid.partition(":")[0] for key, jid in held.items()} == {
        ann.session.public_id: ann.phone.number,
        ben.session.public_id: ben.phone.number,
    }
    assert (ann.session.jid, ben.session.jid) == (ann.phone.jid, theirs)
    assert theirs == ben.phone.jid


def test_a_deleted_session_leaves_no_keys_and_its_neighbor_all(ann, ben):
    with linked(ann, ben):
        ann.delete()
        ann.becomes(S.DELETED)
        lifecycle.reconnect(session=ben.session, now=timezone.now())
        eventually(lambda: ben.steps().count(S.CONNECTED) == 2)

    assert list(devices()) == [ben.session.public_id]
