"""What is asked with a gateway's admin token: to have sessions, and to list them."""

from __future__ import annotations

import pytest

from sessions_app.engines.base import EngineError, SessionRef
from sessions_app.engines.tests.fake_gateway import UPSTREAM_2025, FakeGateway
from sessions_app.engines.tests.fake_gateway.server import serve
from sessions_app.engines.tests.fixtures import *  # noqa: F403 (fixtures)
from sessions_app.engines.tests.wuzapi_rig import *  # noqa: F403 (fixtures)
from sessions_app.engines.tests.wuzapi_rig import HearingEngine, session_ref


def test_a_session_that_the_gateway_has_already_is_provisioned(engine, gateway_server, ref):
    engine.provision(ref)

    assert [user.name for user in gateway_server.users] == [ref.session_id]


def test_a_token_of_another_session_is_not_taken_over(engine, gateway_server, ref):
    other = SessionRef("ses_other", gateway=ref.gateway)

    with pytest.raises(EngineError) as refused:
        engine.provision(other)

    assert refused.value.code == "duplicate"


def test_a_session_without_a_gateway_can_do_nothing(engine):
    for ask in (engine.provision, engine.purge):
        with pytest.raises(EngineError, match="no gateway"):
            ask(SessionRef("ses_1"))


def test_a_gateway_too_old_to_sign_is_refused():
    with serve(FakeGateway(UPSTREAM_2025)) as gateway, pytest.raises(EngineError) as refused:
        HearingEngine(gateway).provision(session_ref(gateway))

    assert refused.value.code == "missing_route"


def test_a_gateway_is_surveyed_with_one_list_call(engine, gateway_server, ref):
    asked = len(gateway_server.requests)

    report = engine.survey(ref.gateway)

    paths = [path for _, path, _, _ in gateway_server.requests[asked:]]
    assert sorted(paths) == ["/admin/users", "/health"]
    assert report.version == "1.4.2"
    [listed] = report.sessions
    assert listed.session_id == ref.session_id
    assert ref.gateway.session_token not in str(listed.payload)


def test_the_survey_reads_the_old_shapes_too():
    with serve(FakeGateway(UPSTREAM_2025)) as gateway:
        engine = HearingEngine(gateway, trust_unsigned=True)
        ref = session_ref(gateway)
        engine.provision(ref)
        report = engine.survey(ref.gateway)

    assert report.version == ""
    assert [listed.session_id for listed in report.sessions] == [ref.session_id]


def test_a_wrong_admin_token_surveys_nothing(engine, gateway_server, ref):
    gateway_server.fail("/admin/users", "error", status=401, text="unauthorized")

    with pytest.raises(EngineError) as refused:
        engine.survey(ref.gateway)

    assert refused.value.code == "unauthorized"
