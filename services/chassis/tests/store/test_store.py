"""What the store promises its callers, on a real server."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from gonghai_chassis.store import Script, Store, StoreSettings, partition_index, records
from gonghai_chassis.store.failures import (
    DeadlineExceeded,
    RequestReused,
    ScriptFailed,
    StoreUnavailable,
    StoreUnusable,
)
from gonghai_chassis.testing.counting import BROKEN, COUNT, Counters, count_args, count_keys
from gonghai_chassis.testing.failing_scripts import contents, run_failing_at_each_read
from gonghai_chassis.testing.plugin import PARTITIONS, flush

if TYPE_CHECKING:
    from gonghai_chassis.testing.plugin import OpenStore


@pytest.fixture(params=["store_server", "redis_server", "store_cluster"])
def store_settings(request: pytest.FixtureRequest) -> StoreSettings:
    """Each promise is kept by an embedded Valkey, by Redis 7.0 and by a Cluster alike."""
    url: str = request.getfixturevalue(request.param)
    flush(url)
    # What the Cluster acknowledges is on the replica, too.
    replicas = int(request.param == "store_cluster")
    return StoreSettings(url=url, partitions=PARTITIONS, wait_replicas=replicas)


async def test_reads_several_records_and_the_time_at_one_moment(open_store: OpenStore) -> None:
    store = await open_store("pool")
    p = store.partition("acme")
    await Counters(store).count("acme", "a", by=5)
    read = await store.read(p, [p.key("counter", "acme", "a"), p.key("counter", "acme", "b")])
    assert read.values[0] is not None
    assert records.unpack(read.values[0])["count"] == 5
    assert read.values[1] is None
    assert read.now == read.real > 1_700_000_000_000_000


async def test_all_services_on_a_store_share_a_secret_that_stays(open_store: OpenStore) -> None:
    secrets = {(await open_store(area)).secret for area in ("archive", "pool", "archive")}
    assert [len(secret) for secret in secrets] == [32]


async def test_many_callers_count_without_losing_one(open_store: OpenStore) -> None:
    store = await open_store("pool")
    counters = Counters(store)
    replies = await asyncio.gather(*(counters.count("acme", "a") for _ in range(500)))
    assert sorted(reply.fields["count"] for reply in replies) == list(range(1, 501))


async def test_a_callers_commands_keep_their_order(open_store: OpenStore) -> None:
    store = await open_store("pool")
    counters = Counters(store)

    async def caller(subject: str) -> list[int]:
        return [(await counters.count("acme", subject)).fields["count"] for _ in range(20)]

    answers = await asyncio.gather(*(caller(f"s{i}") for i in range(30)))
    assert answers == [list(range(1, 21))] * 30


async def test_a_failing_script_fails_alone(open_store: OpenStore) -> None:
    store = await open_store("pool")
    counters = Counters(store)
    await counters.count("acme", "warm")
    p = store.partition("acme")
    keys = {"counter": p.key("nothing")}
    answers = await asyncio.gather(
        counters.count("acme", "a"),
        store.run(BROKEN, p, keys=keys, args={}),
        counters.count("acme", "b"),
        return_exceptions=True,
    )
    assert isinstance(answers[1], ScriptFailed)
    assert "broken" in str(answers[1])
    assert await counters.value("acme", "a") == 1
    assert await counters.value("acme", "b") == 1


async def test_scripts_are_loaded_again_after_the_server_forgot_them(open_store: OpenStore) -> None:
    store = await open_store("pool")
    counters = Counters(store)
    await counters.count("acme", "a")
    await store.client(store.partition("acme")).script_flush()
    replies = await asyncio.gather(*(counters.count("acme", "a") for _ in range(20)))
    assert sorted(reply.fields["count"] for reply in replies) == list(range(2, 22))


async def test_the_same_request_gets_the_same_answer(open_store: OpenStore) -> None:
    store = await open_store("pool")
    counters = Counters(store)
    first = await counters.count("acme", "a", request_id="r1")
    again = await counters.count("acme", "a", request_id="r1")
    assert (again.status, again.fields) == (first.status, first.fields)
    assert (first.replayed, again.replayed) == (False, True)
    assert await counters.value("acme", "a") == 1


async def test_the_same_request_sent_in_parallel_counts_once(open_store: OpenStore) -> None:
    store = await open_store("pool")
    other = await open_store("pool")
    replies = await asyncio.gather(
        *(Counters(s).count("acme", "a", request_id="r1") for s in (store, other, store))
    )
    assert {reply.fields["count"] for reply in replies} == {1}


async def test_a_request_id_with_other_content_is_refused(open_store: OpenStore) -> None:
    store = await open_store("pool")
    counters = Counters(store)
    await counters.count("acme", "a", request_id="r1")
    with pytest.raises(RequestReused):
        await counters.count("acme", "a", request_id="r1", by=2)
    assert await counters.value("acme", "a") == 1


async def test_a_refusal_is_decided_anew(open_store: OpenStore) -> None:
    store = await open_store("pool")
    counters = Counters(store)
    assert (await counters.count("acme", "a", request_id="r1", by=-1)).status == "refused"
    await counters.count("acme", "a")
    assert (await counters.count("acme", "a", request_id="r1", by=-1)).status == "ok"


async def test_a_command_past_its_deadline_is_not_carried_out(open_store: OpenStore) -> None:
    store = await open_store("pool")
    counters = Counters(store)
    # The caller still waits, but the step is told a deadline that has passed.
    p = store.partition("acme")
    store.clock.seen(p, store.clock.real(p) - 10_000_000, 0)
    with pytest.raises(DeadlineExceeded):
        await counters.count("acme", "a", deadline=monotonic() + 5)
    assert await counters.value("acme", "a") == 0


async def test_keys_and_arguments_must_be_those_of_the_header(open_store: OpenStore) -> None:
    store = await open_store("pool")
    p = store.partition("acme")
    keys, args = count_keys(p, "acme", "a"), count_args("acme", "a")
    with pytest.raises(TypeError, match="counter"):
        await store.run(COUNT, p, keys={**keys, "counter": None}, args=args)  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="surplus"):
        await store.run(COUNT, p, keys={**keys, "surplus": "x"}, args=args)
    with pytest.raises(TypeError, match="surplus"):
        await store.run(COUNT, p, keys=keys, args={**args, "surplus": 1})


async def test_a_script_that_fails_at_any_read_leaves_nothing_behind(open_store: OpenStore) -> None:
    store = await open_store("pool")
    await Counters(store).count("acme", "a")
    p = store.partition("acme")
    failed_at = await run_failing_at_each_read(
        store,
        COUNT,
        p,
        keys=count_keys(p, "acme", "a", "r1"),
        args=count_args("acme", "a", fingerprint="f", due_at=5, intent="i"),
    )
    # Time and clock, the head of the stream, the intents, the request, the counter itself.
    assert failed_at == 6
    assert await Counters(store).value("acme", "a") == 2


async def test_the_harness_finds_a_script_that_writes_too_early(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store("pool")
    p = store.partition("acme")
    script = Script("gonghai_chassis.testing", "count")
    early = "redis.call('SET', KEY.counter, 'x')\nlocal answered = remembered()"
    monkeypatch.setattr(script, "text", script.text.replace("local answered = remembered()", early))
    with pytest.raises(AssertionError, match="counter"):
        await run_failing_at_each_read(
            store,
            script,
            p,
            keys=count_keys(p, "acme", "a", "r1"),
            args=count_args("acme", "a", fingerprint="f"),
        )


async def test_a_store_installed_with_other_partitions_is_refused(
    open_store: OpenStore, store_settings: StoreSettings
) -> None:
    await open_store("pool")
    with pytest.raises(StoreUnusable, match="4 partitions"):
        await Store.open(store_settings.model_copy(update={"partitions": 8}), area="pool")


async def test_a_store_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        await Store.open(StoreSettings(url="redis://127.0.0.1:1/0"), area="pool")


async def test_nothing_but_the_installation_is_written_by_opening(open_store: OpenStore) -> None:
    store = await open_store("pool")
    assert set(await contents(store)) <= {b"gh:install"}


def test_a_tenant_stays_in_its_partition_for_ever() -> None:
    # These numbers are on the disks of installed stores.
    assert [partition_index(t, 64) for t in ("acme", "bohai", "yangtze")] == [62, 39, 8]
