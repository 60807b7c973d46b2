"""The stages with the secrets and the broker configuration of a deployment: TLS, a name and password for everybody."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.publish as mqtt
import pytest

from storage.database import connect
from tests.support.compose import ROOT
from tests.support.deployed_broker import VERSIONS, DeployedBroker
from tests.support.processes import Lifeline
from tests.support.seeding import seed_city
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_device_says_over_tls_with_its_password_is_stored(
    version: str, plain_database_url: str, lifeline: Callable[..., Lifeline], tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets"
    make = [str(ROOT / "deploy/make-secrets"), "--folder", str(secrets)]
    subprocess.run(make, check=True, capture_output=True)
    made = subprocess.run([*make, "device", "gas-d1"], check=True, capture_output=True, text=True).stdout
    city = seed_city(plain_database_url, now=datetime.now(UTC) - timedelta(hours=1))
    with DeployedBroker(version, secrets, tmp_path) as broker:
        url = tmp_path / "mqtt_url"
        url.write_text(
            (secrets / "mqtt_ingest_url")
            .read_text(encoding="utf-8")
            .replace("mosquitto:8883", f"localhost:{broker.port}"),
            encoding="utf-8",
        )
        ingest = lifeline(
            "ingest",
            LIFELINE_DATABASE_URL=plain_database_url,
            LIFELINE_MQTT_URL_FILE=str(url),
            LIFELINE_MQTT_CA_FILE=str(secrets / "mqtt_ca"),
        )
        ingest.wait_for_log("broker_connected")
        moment = datetime.now(UTC).isoformat()

        def say() -> bool:
            mqtt.single(
                "lifeline/340104/gas/gas-d1/telemetry",
                f'{{"time": "{moment}", "values": {{"gas.pressure.lp": 2.75}}}}',
                qos=1,
                hostname="localhost",
                port=broker.port,
                auth={"username": "gas-d1", "password": made.split()[1]},
                tls={"ca_certs": str(secrets / "mqtt_ca")},
            )
            with connect(plain_database_url, application="tests") as connection:
                row = connection.execute(
                    "SELECT value FROM observations WHERE datastream = %s AND time = %s",
                    (city.datastreams["gas-d1", "gas.pressure.lp"], moment),
                ).fetchone()
            return row == (2.75,)

        # Said again until ingest has subscribed; once stored it stays one observation.
        wait_until(say, what="the observation is stored", timeout_s=20, poll_s=0.2)
