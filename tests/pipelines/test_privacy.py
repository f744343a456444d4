"""Case 57: what is planted in every field, header and error comes out in the tables alone."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from sources import VENDORS
from sources.errors import ConfigError

CANARIES = ("Canary7f3a", "canary.7f3a@secret.example", "491570007", "token-canary-7f3a")


@pytest.fixture
def vendors():
    """All of them."""
    return list(VENDORS)


def _plant(sim):
    """Put canaries into every text field of a guest of each vendor, and into wrong values."""
    name, mail, digits, _ = CANARIES
    loke, collins, kounta, foodics = sim.loke, sim.collins, sim.kounta, sim.foodics
    loke.create_customer(
        loke.organizations[0], firstName=name, lastName=name, email=mail, dob=name, gender=name,
        phoneNumber=f"+61{digits}", hasAgreedToMarketing=name, statistics={mail: name},
        **{f"{name} {mail}": 1},
    )  # fmt: skip
    collins.create_customer(
        collins.tenants[0], first_name=name, last_name=name, email=f"{mail} and {mail}", dob=mail,
        phone=f"{digits} {name}", company=name, notes=name, custom_field_value={name: mail},
        marketing_preferences=[{"id": None, "opted_in": mail}, name],
    )  # fmt: skip
    kounta.create_customer(
        kounta.tenants[0], first_name=name, last_name=name, primary_email_address=name,
        mobile=f"{digits}{digits}{digits}", accepts_marketing=mail, description=name,
        primary_address={"id": 990009, "lines": [name], "city": mail},
    )  # fmt: skip
    foodics.create_customer(
        foodics.tenants[0], name=name, email=name, phone=f"{digits}x", birth_date=mail,
        loyalty_balance=mail, order_count=name, notes=mail,
    )  # fmt: skip


def _leaks(text: str, tokens: list[str]) -> list[str]:
    return [one for one in (*CANARIES, *tokens) if one.lower() in text.lower()]


def _faults(sim):
    """Answer with bodies and headers full of people."""
    name, mail, _, token = CANARIES
    body = f'{{"error": "{name}", "message": "{mail} {token}", "error_description": "{mail}"}}'
    headers = {"x-request-id": mail, "location": f"http://127.0.0.1:9/{mail}"}
    yield lambda: sim.fault("GET .*/customers", times=None, status=500, body=body, headers=headers)
    yield lambda: sim.fault("GET .*/customers", times=None, status=400, body=body, headers=headers)
    yield lambda: sim.fault("GET .*/customers", times=None, status=302, body=body, headers=headers)
    yield lambda: sim.fault("GET .*/customers", times=None, body=f'[{{"id": "{name}", "x": ')
    yield lambda: sim.fault("GET .*/customers", times=None, status=401, body=body)
    yield lambda: sim.fault("POST .*token", times=None, status=400, body=body)
    nowhere = {"x-next-page": f"http://127.0.0.1:9/?email={mail}&access_token={token}"}
    yield lambda: sim.fault("GET .*/customers", times=None, headers=nowhere)


def test_nothing_planted_leaks(sim, sync, tables, project, tmp_path, capfd, caplog, monkeypatch):
    """Case 57: no name, address, number or token in output, logs, state, working files, ops."""
    from pipelines.commands import report
    from pipelines.sync import transform

    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "CRITICAL")
    caplog.set_level(logging.DEBUG, logger="regulars")
    tokens = [sim.collins.token(one) for one in sim.collins.tenants]
    tokens += [sim.foodics.token(one) for one in sim.foodics.tenants]
    tokens += [sim.loke.client_secret, *(sim.kounta.client_secret(t) for t in sim.kounta.tenants)]
    _plant(sim)
    outcomes = [sync()]
    for fault in _faults(sim):
        fault()
        outcomes.append(sync(full=True))
        sim.clear_faults()
    outcomes += [sync(full=True), transform(rebuild=True)]
    said = [str(error) for outcome in outcomes for error in outcome.errors]
    for outcome in outcomes:
        report(outcome)
    assert len(said) > 10
    output = capfd.readouterr()
    for text in (output.out, output.err, caplog.text, "\n".join(said)):
        assert _leaks(text, tokens) == []
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file() and "credentials" not in path.parts:
            held = path.read_bytes().decode("latin-1")
            assert _leaks(held, tokens) == [], path.relative_to(tmp_path)
    for name in ("runs", "scans", "rejects", "published"):
        assert _leaks(repr(tables.rows(f"select * from ops.{name}")), tokens) == [], name
    states = tables.rows("select table_schema from information_schema.tables "
                         "where table_name = '_dlt_pipeline_state'")  # fmt: skip
    for (schema,) in states:
        from dlt.common.versioned_state import decompress_state

        for (text,) in tables.rows(f"select state from {schema}._dlt_pipeline_state"):
            assert _leaks(repr(decompress_state(text)), tokens) == []
    found = tables.one("select count(*) from core.customers where full_name like '%Canary7f3a%'")
    assert found == len(VENDORS)
    assert Path(project).exists()


def test_rejected_values_are_landed_only_where_it_is_asked_for(sim, sync, tables, monkeypatch):
    """Case 57: as the vendor sent them, as JSON, no longer than anybody reads."""
    _plant(sim)
    sim.loke.create_customer(sim.loke.organizations[0], dob="x" * 5_000, email="none \x00")
    monkeypatch.setenv("RUNS__KEEP_REJECTED_VALUES", "perhaps")
    with pytest.raises(ConfigError, match="keep_rejected_values is neither true nor false"):
        sync()
    monkeypatch.setenv("RUNS__KEEP_REJECTED_VALUES", "true")
    assert sync().exit_code == 0
    values = dict(
        tables.rows("select vendor || '.' || field, max(value) from ops.rejects group by 1")
    )
    mail = CANARIES[1]
    assert values["foodics.birth_date"] == f'"{mail}"'
    assert values["collins._email"] == f'"{mail} and {mail}"'
    assert values["loke.dob"] == '"' + "x" * 999
    assert None not in values.values()


def test_rotated_credential_is_its_owners_alone(sim, sync, tmp_path):
    """The refresh token's file is nobody else's to read, and holds nothing else of use."""
    sync()
    files = [one for one in (tmp_path / "data" / "credentials").iterdir() if one.suffix == ".json"]
    assert files
    for path in files:
        assert path.stat().st_mode & 0o077 == 0
        assert sim.kounta.client_secret("5678") not in path.read_text()
