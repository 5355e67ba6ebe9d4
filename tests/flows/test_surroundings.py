"""Prefect's processes: quiet towards the outside, in a home of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.surroundings import surroundings, ui_url

HERE = {"home": Path("/somewhere/.prefect"), "host": "127.0.0.1", "port": 4200}


@pytest.mark.parametrize(
    "switch",
    [
        "PREFECT_SERVER_ANALYTICS_ENABLED",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY",
        "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS",
    ],
)
def test_nothing_is_reported_to_anybody_whatever_the_environment_says(switch):
    assert surroundings({switch: "true"}, **HERE)[switch] == "false"


def test_another_prefect_in_the_environment_is_left_alone():
    outer = {"PREFECT_API_URL": "https://elsewhere.example/api", "PREFECT_HOME": "/elsewhere/.prefect", "PATH": "/bin"}

    ours = surroundings(outer, **HERE)

    assert ours["PREFECT_API_URL"] == "http://127.0.0.1:4200/api"
    assert ours["PREFECT_HOME"] == "/somewhere/.prefect"
    assert ours["PATH"] == "/bin"


def test_pages_of_others_may_not_use_the_api():
    ours = surroundings({}, **HERE)

    assert ours["PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4200,http://localhost:4200"
    assert ours["PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED"] == "true"


def test_results_are_never_pickled():
    ours = surroundings({}, **HERE)

    assert ours["PREFECT_RESULTS_DEFAULT_SERIALIZER"] == "json"


def test_a_password_reaches_the_clients_too():
    ours = surroundings({"PREFECT_SERVER_API_AUTH_STRING": "admin:secret"}, **HERE)

    assert ours["PREFECT_API_AUTH_STRING"] == "admin:secret"


def test_an_ipv6_address_stands_in_brackets():
    assert ui_url("::1", 4200) == "http://[::1]:4200"
