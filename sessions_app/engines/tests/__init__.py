import pytest

pytest.register_assert_rewrite("sessions_app.engines.tests.contract")
