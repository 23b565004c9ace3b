"""`gonghai doctor`: what was broken behind a living installation's back is found and mended."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from gonghai.pool.v1 import pool_service_pb2
from gonghai.upkeep.v1 import upkeep_service_pb2 as pb
from gonghai_chassis.events import Quarantine
from gonghai_chassis.store import records
from gonghai_chassis.testing import eventually
from gonghai_cli.account.reading import list_holdings
from gonghai_cli.doctor.examination import Doctor
from gonghai_cli.doctor.findings import Verdict
from gonghai_cli.doctor.services import UpkeepServices
from gonghai_cli.main import app
from tests.end_to_end.trio import Trio, trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.store import Store, StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore
    from gonghai_cli.doctor.findings import Examination
    from gonghai_cli.flow.sample import Sample


@pytest.fixture
async def running(store_settings: StoreSettings, sample: Sample) -> AsyncIterator[Trio]:
    async with trio(store_settings) as services:
        await services.open(sample)
        yield services


def differing(found: Examination) -> set[tuple[str, str, str, str]]:
    return {
        (each.service, each.source, one.kind, one.subject)
        for each in found.comparisons
        for one in each.differences
    }


async def keys_of(store: Store, pattern: str) -> list[str]:
    client: Any = store.client()
    return sorted([key.decode() async for key in client.scan_iter(match=pattern)])


async def spoil(store: Store, key: str, name: str, **other: object) -> None:
    """Give a packed record of a hash other content, of the same version."""
    client: Any = store.client()
    record = records.mapping(records.unpack(await client.hget(key, name)))
    await client.hset(key, name, records.pack({**record, **other}))


async def test_what_was_broken_in_a_projection_is_found_and_mended(
    running: Trio, open_store: OpenStore, sample: Sample
) -> None:
    archive, pool, assignment = [
        await open_store(area) for area in ("archive", "pool", "assignment")
    ]
    tenant = sample.tenant
    p, q, r = (store.partition(tenant) for store in (archive, pool, assignment))
    client: Any = archive.client()
    async with UpkeepServices(running.addresses) as services:
        doctor = Doctor(services)
        found = await doctor.examine()
        assert (found.away, differing(found)) == ({}, set())
        assert [audit.findings for audit in found.audits if audit.findings] == []
        assert found.verdict is Verdict.HEALTHY
        assert sum(each.compared for each in found.comparisons) > 200

        first = (await keys_of(archive, p.key("custody", tenant, "*")))[0]
        gone = first.rpartition(":")[2]
        await client.delete(first)
        rep = sample.reps[0].id
        await spoil(archive, p.key("reps", tenant), rep, team="elsewhere")
        await spoil(pool, q.key("reps", tenant), rep, skills=["everything"])
        customer = (await client.hkeys(r.key("custody", tenant)))[0].decode()
        await client.hdel(r.key("custody", tenant), customer)
        other = (await client.hkeys(r.key("facts", tenant)))[0].decode()
        await spoil(assignment, r.key("facts", tenant), other, tier="none such")
        stray = records.pack({"version": 1, "managers": []})
        await client.hset(p.key("teams", tenant), "stray", stray)
        await client.hset(r.key("cool_downs", tenant), "nowhere", "9")
        found = await doctor.examine()
        assert differing(found) == {
            ("archive", "pool", "custody_changed", gone),
            ("archive", "assignment", "rep_changed", rep),
            ("archive", "assignment", "team_changed", "stray"),
            ("pool", "assignment", "rep_changed", rep),
            ("assignment", "pool", "custody_changed", customer),
            ("assignment", "pool", "pool_changed", "nowhere"),
            ("assignment", "archive", "customer_changed", other),
        }
        assert found.verdict is Verdict.FINDINGS

        mended = await doctor.repair(found)
        assert differing(mended) == set()
        assert [audit.findings for audit in mended.audits if audit.findings] == []
        assert mended.verdict is Verdict.HEALTHY
        assert sum(each.repaired for each in mended.comparisons) == 5


async def test_who_is_quarantined_is_told_as_such_and_freed_by_a_repair(
    running: Trio, open_store: OpenStore, sample: Sample
) -> None:
    archive = await open_store("archive")
    p = archive.partition(sample.tenant)
    client: Any = archive.client()
    holding = (await list_holdings(running.services, sample.tenant))[0]
    customer = holding.customer.rpartition("/")[2]
    key = p.key("custody", sample.tenant, customer)
    # No string any more: whatever is told of this customer fails.
    await client.delete(key)
    await client.rpush(key, "x")
    release = pool_service_pb2.ReleaseCustomerRequest(customer=holding.customer, reason="enough")
    await running.services.pool.ReleaseCustomer(release)
    quarantine = Quarantine(archive, p, "pool")
    await eventually(quarantine.subjects)
    async with UpkeepServices(running.addresses) as services:
        doctor = Doctor(services)
        found = await doctor.examine()
        (difference,) = [one for each in found.comparisons for one in each.differences]
        assert (difference.cause, difference.subject) == (pb.Difference.CAUSE_QUARANTINED, customer)
        counts = {
            source.source: source.quarantined_subjects
            for partition in found.conditions["archive"].partitions
            for source in partition.sources
            if source.quarantined_subjects
        }
        assert counts == {"pool": 1}
        assert [name for name, _ in found.troubled()] == ["archive"]
        await client.delete(key)
        mended = await doctor.repair(found)
        assert (differing(mended), mended.troubled()) == (set(), [])
        assert mended.verdict is Verdict.HEALTHY


async def test_the_command_says_it_and_ends_with_it(
    running: Trio, open_store: OpenStore, sample: Sample
) -> None:
    pool = await open_store("pool")
    q = pool.partition(sample.tenant)
    addresses = running.addresses

    async def run(*arguments: str) -> tuple[int | None, str]:
        where = ("--archive", addresses.archive, "--pool", addresses.pool)
        there = ("--assignment", addresses.assignment, "doctor")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from gonghai_cli.main import main; main()"),
            *(*where, *there, *arguments),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    status, said = await run()
    assert (status, "Healthy." in said) == (0, True), said
    await spoil(pool, q.key("reps", sample.tenant), sample.reps[0].id, skills=["everything"])
    status, said = await run()
    assert (status, sample.reps[0].id in said) == (1, True), said
    status, said = await run("--repair", "--json")
    assert status == 0, said
    told = json.loads(said)
    assert told["verdict"] == "healthy"
    assert [each["source"] for each in told["comparisons"] if each["repaired"]] == ["assignment"]


def test_who_cannot_look_says_so() -> None:
    nobody = "127.0.0.1:9"
    where = ["--archive", nobody, "--pool", nobody, "--assignment", nobody]
    result = CliRunner().invoke(app, [*where, "--lang", "zh", "doctor"])
    assert result.exit_code == 2
    assert "部分服务无法检查" in result.output
