"""What an engine is told of a session, and what it must not use."""

import pytest

from sessions_app.engines.base import Options
from sessions_app.services import engine_refs
from sessions_app.services.engine_refs import Unusable, ref_of
from sessions_app.states import GatewayState, Health, ProxyState
from sessions_app.tests.factories import make_session
from sessions_app.tests.fake_gateways import SECRET, make_gateway, make_guest, make_proxy

pytestmark = pytest.mark.django_db


def test_a_session_is_described_by_its_settings(settings):
    settings.ORSTA_DEVICE_NAME = "Acme"
    session = make_session(auto_read_enabled=True)

    ref = ref_of(session, epoch=3)

    assert (ref.session_id, ref.epoch) == (session.public_id, 3)
    assert ref.options == Options(auto_read=True, typing=False)
    assert (ref.device_name, ref.proxy, ref.gateway) == ("Acme", "", None)


def test_its_own_device_name_goes_first():
    assert ref_of(make_session(device_name="Till 3")).device_name == "Till 3"


def test_a_guest_has_secrets_of_its_own_in_its_gateway(settings):
    settings.ORSTA_PUBLIC_URL = "https://orsta.example/"
    gateway = make_gateway(address="https://gateway.example/", token="admin")
    place = ref_of(make_guest(gateway)).gateway
    other = ref_of(make_guest(gateway, engine_secret="another")).gateway

    assert (place.address, place.admin_token) == ("https://gateway.example", "admin")
    assert place.webhook_url == f"https://orsta.example/hooks/engines/{gateway.public_id}"
    assert place.session_token != place.hmac_key
    secrets = {place.session_token, place.hmac_key, other.session_token, other.hmac_key}
    assert len(secrets) == 4
    assert SECRET not in secrets


def test_no_secret_is_in_what_is_logged():
    session = make_guest(make_gateway(), proxy=make_proxy())
    ref = ref_of(session)

    shown = repr(ref)

    secrets = [ref.gateway.session_token, ref.gateway.hmac_key, "admin-token", "hunter2"]
    assert not [secret for secret in secrets if secret in shown]


def test_the_same_secrets_follow_from_the_same_row():
    session = make_guest(make_gateway())

    assert ref_of(session) == ref_of(session)


@pytest.mark.parametrize(
    ("gateway", "proxy", "code"),
    [
        ({"state": GatewayState.QUARANTINED}, {}, "gateway_quarantined"),
        ({}, {"state": ProxyState.DISABLED}, "proxy_disabled"),
        ({}, {"health": Health.DOWN}, "proxy_down"),
    ],
)
def test_what_staff_took_out_of_use_is_not_used(gateway, proxy, code):
    session = make_guest(make_gateway(**gateway), proxy=make_proxy(**proxy))

    with pytest.raises(Unusable) as refused:
        ref_of(session)

    assert refused.value.code == code


def test_a_gateway_that_drains_keeps_its_sessions():
    session = make_guest(make_gateway(state=GatewayState.DRAINING), proxy=make_proxy())

    assert ref_of(session).proxy == session.proxy.url


def test_a_survey_gets_no_sessions_secrets():
    place = engine_refs.address_of(make_gateway())

    assert (place.session_token, place.hmac_key) == ("", "")


@pytest.mark.parametrize("trouble", [{"state": ProxyState.DISABLED}, {"health": Health.DOWN}])
def test_a_session_is_forgotten_whatever_became_of_its_proxy(trouble):
    session = make_session(proxy=make_proxy(**trouble))

    assert ref_of(session, forgetting=True).proxy == ""
