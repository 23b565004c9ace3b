"""F6 and F7: a plugin goes wrong under load, and bad policy documents are pushed."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import grpc

from gonghai.archive.v1 import archive_service_pb2
from gonghai.policy.v1 import policy_service_pb2
from gonghai.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from gonghai.pool.v1 import pool_service_pb2
from gonghai.type.v1 import fact_pb2
from gonghai_chassis.clients import PeerFailed, open_channel
from gonghai_chassis.errors import PeerRefused, PeerUnavailable
from gonghai_cli.flow.repeat import repeated
from tests.faults import moody_plugin as moody
from tests.faults.callers import ident, reason_of
from tests.faults.crew import SERVICES, Crew, SingleStore
from tests.faults.moments import lapse
from tests.faults.record import State
from tests.faults.stage import Play
from tests.faults.tenant import DUE_DAYS, GRACE_DAYS, WARN_DAYS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from tests.faults.stage import Scene
    from tests.faults.tenant import Tenant

_MOOD: Final = "mood"
_ASIDE: Final = 1.0
"""Seconds for which a plugin is put aside: short, so that a run stays short."""

_IN_TIME: Final = 2.0
"""Seconds of the machine within which whom it does not concern is answered."""

_BESIDE: Final = "tenants/beside"
"""A tenant that has the same plugin, and whose customers are none of those it is moody about."""

_BESIDE_IN_TIME: Final = 8.0
"""Seconds for it: it may wait until a call before it has been ended, and the process started."""

_AT_ALL: Final = 60.0
"""Seconds after which who asks gives up; what the machine gave of them is looked at afterwards."""

_BOUND_IN_TIME: Final = 180.0
"""Seconds for a replica to follow, and to start two processes: nobody is promised any."""

_REFUSED: Final = frozenset({"INVALID_POLICY_DOCUMENT", "INVALID_FIELD"})
"""By the engine, which reads it, or at the door, where its length is looked at."""

MISSING: Final = "missing"


async def moody_crew(folder: Path, seed: int) -> Crew:
    """One store; beside the services is a plugin with moods."""
    del seed
    site = folder / "site"
    described = site / "moody-0.1.0.dist-info"
    described.mkdir(parents=True)
    shutil.copy(Path(moody.__file__), site)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: moody\nVersion: 0.1.0\n")
    (described / "entry_points.txt").write_text("[gonghai]\nmoody = moody_plugin:plugin\n")
    feel(folder, moody.WELL)
    told = {
        "PYTHONPATH": os.pathsep.join([str(site), *filter(None, sys.path)]),
        moody.FILE: str(folder / _MOOD),
        "GONGHAI_PLUGINS_ASIDE": str(_ASIDE),
        "GONGHAI_PLUGINS_NOTES": str(folder / "notes"),
    }
    return Crew(folder, SingleStore(folder / "store"), told)


def feel(folder: Path, mood: str) -> None:
    """Set the plugin's mood; a reader gets the old one or the new one."""
    written = folder / f"{_MOOD}.new"
    written.write_text(mood, "utf-8")
    written.replace(folder / _MOOD)


def plugin_goes_wrong(scale: float) -> Play:
    """F6: a tenant's plugin raises, loops, talks nonsense, crashes, is missing; then it is well."""

    async def strike(scene: Scene) -> None:
        random = Random(f"F6-{scene.seed}")
        moods = [moody.RAISES, moody.LOOPS, moody.NONSENSE, moody.CRASHES, MISSING]
        random.shuffle(moods)
        bad, good = scene.tenants
        scene.recorder.add(State(good.id, "unconcerned", "plugin", {}))
        await _bind(scene, bad, "moody", "bound")
        await _apply(scene, _BESIDE, _moody(bad, "moody"), "beside")
        for tenant in (bad.name, _BESIDE):
            await _decided_by(scene, tenant, "moody")
        await lapse(2 * scale)
        for mood in moods:
            await _while_it_is(scene, mood, bad, good, random, scale)
        # What never went well by itself goes on with another plugin.
        feel(scene.crew.folder, moody.LOOPS)
        await lapse(scale)
        await _bind(scene, bad, "standard", "another")
        scene.struck("another plugin is bound")
        await lapse(2 * scale)
        feel(scene.crew.folder, moody.WELL)
        scene.evidence["hung"] = scene.crew.said("plugin_hung")
        scene.evidence["crashed"] = scene.crew.said("plugin_crashed")
        scene.evidence["put aside"] = scene.crew.said("plugin_put_aside")

    least = {"hung": 1, "crashed": 1, "put aside": 1}
    return Play("F6", strike, callers=2, least=least)


def bad_documents(scale: float) -> Play:
    """F7: bad policy documents are pushed, one after the other; one takes for ever to check."""

    async def strike(scene: Scene) -> None:
        random = Random(f"F7-{scene.seed}")
        tenant, other = scene.tenants
        scene.recorder.add(State(other.id, "unconcerned", "documents", {}))
        documents = list(_bad_documents(tenant).items())
        before = await _in_force(scene, tenant)
        for _ in range(max(1, round(scale))):
            random.shuffle(documents)
            for what, document in documents:
                await lapse(random.uniform(0.05, 0.4))
                async with probing(scene, other):
                    scene.struck(f"pushed a document: {what}")
                    await _refused_whole(scene, tenant, what, document)
        if await _in_force(scene, tenant) != before:
            scene.found(tenant, "policy", ["a refused document changed what is in force"])
        scene.evidence["refused documents"] = len(documents) * max(1, round(scale))
        # And a good one that binds what then fails.
        feel(scene.crew.folder, moody.LOOPS)
        await _bind(scene, tenant, "moody", "fails")
        scene.struck("a document is applied whose plugin hangs")
        await _probed(scene, other, 3 * scale)
        await _bind(scene, tenant, "standard", "sound")
        feel(scene.crew.folder, moody.WELL)
        await lapse(scale)

    return Play("F7", strike, callers=2)


def probing(scene: Scene, tenant: Tenant) -> AbstractAsyncContextManager[None]:
    """Let the services decide for a tenant whom it does not concern while the block runs."""
    request = policy_service_pb2.EvaluateRequest(name=f"{tenant.name}/policies/default.claim")
    return _asking(scene, tenant, request, _IN_TIME, "decided in time")


async def _while_it_is(
    scene: Scene, mood: str, bad: Tenant, good: Tenant, random: Random, scale: float
) -> None:
    """Let the plugin be in a mood while holdings fall due, then be well again."""
    if mood == MISSING:
        await _restart_pool(scene, {"GONGHAI_PLUGINS_ALLOWED": "standard"})
    else:
        feel(scene.crew.folder, mood)
    scene.struck(f"the plugin {mood}")
    # What was decided a moment before is carried out a moment after.
    await scene.lapse(1.5)
    before = await _tiers(scene, bad)
    begun, started = await scene.now(), time.monotonic()
    async with AsyncExitStack() as beside:
        if mood != MISSING:
            await beside.enter_async_context(_probing_beside(scene, good))
        await scene.forward(DUE_DAYS - WARN_DAYS + 1)
        await _probed(scene, good, random.uniform(1, 2) * scale)
        await scene.forward(WARN_DAYS + GRACE_DAYS + 1)
        refused = await _refused_claims(scene, bad)
        await _probed(scene, good, random.uniform(1.5, 2.5) * scale)
    if not refused:
        scene.found(bad, mood, [f"no claim was refused while the plugin {mood}"])
    ended = await scene.now()
    after = await _tiers(scene, bad)
    scene.evidence[f"{mood}: seconds"] = round(time.monotonic() - started)
    scene.evidence[f"{mood}: refused claims"] = refused
    changed = [each for each in before.keys() & after.keys() if before[each] != after[each]]
    if mood != MISSING and changed:
        scene.found(
            bad, mood, [f"{each}: its tier changed while the plugin {mood}" for each in changed]
        )
    if mood != MISSING and not await _seen_in_health(scene):
        scene.found(bad, mood, [f"no failed decision in GetPluginHealth while the plugin {mood}"])
    scene.recorder.add(State(bad.id, "away", mood, {"from": begun, "to": ended}))
    if mood == MISSING:
        await _restart_pool(scene, {})
    else:
        feel(scene.crew.folder, moody.WELL)
    scene.struck("the plugin is well")
    await scene.lapse(_ASIDE + 1)
    await scene.forward(1)
    await lapse(scale)


async def _bind(scene: Scene, tenant: Tenant, plugin: str, occasion: str) -> None:
    document = _moody(tenant, plugin)
    await _apply(scene, tenant.name, document, f"{tenant.id}-{occasion}")


def _moody(tenant: Tenant, plugin: str) -> str:
    return tenant.policy.replace("plugin: standard", f"plugin: {plugin}")


async def _apply(scene: Scene, tenant: str, document: str, request_id: str) -> None:
    request = policy_service_pb2.ApplyPolicyRequest(
        parent=tenant, document=document, request_id=request_id
    )
    await repeated(lambda: scene.services.policies.ApplyPolicy(request))


async def _decided_by(scene: Scene, tenant: str, plugin: str) -> None:
    """Wait until every replica decides by a plugin; its process has been started there then."""
    request = _of_one_spared(tenant)
    for replica in (one for service in SERVICES for one in scene.crew.of(service)):
        async with open_channel(replica.address) as channel:
            stub, made = PolicyServiceStub(channel), ""
            async with asyncio.timeout(_BOUND_IN_TIME):
                while made != plugin:
                    await lapse(0.05)
                    with suppress(PeerRefused, PeerUnavailable, PeerFailed):
                        made = (await stub.Evaluate(request, timeout=_AT_ALL)).decision.plugin


async def _restart_pool(scene: Scene, told: dict[str, str]) -> None:
    """Start the replicas of pool anew, one after the other, with other settings."""
    for replica in scene.crew.of("pool"):
        await scene.crew.end(replica)
        replica.environment.pop("GONGHAI_PLUGINS_ALLOWED", None)
        replica.environment |= told
        await scene.crew.launch(replica)
        await scene.crew.ready(replica)


async def _tiers(scene: Scene, tenant: Tenant) -> dict[str, str]:
    request = archive_service_pb2.ListCustomersRequest(parent=tenant.name, page_size=100)
    page = await repeated(lambda: scene.services.archive.ListCustomers(request))
    return {customer.name: customer.tier.tier for customer in page.customers if customer.tier.tier}


async def _refused_claims(scene: Scene, tenant: Tenant) -> int:
    """Claim what lies in the pool; return how often that was refused for the plugin's sake."""
    request = pool_service_pb2.ListPoolCustomersRequest(
        parent=f"{tenant.name}/pools/general", page_size=5
    )
    page = await repeated(lambda: scene.services.pool.ListPoolCustomers(request))
    names = [f"{tenant.name}/customers/{ident(each.customer)}" for each in page.custodies]
    refused = 0
    for place, name in enumerate(names):
        claim = pool_service_pb2.ClaimCustomerRequest(
            customer=name, rep=f"{tenant.name}/reps/{tenant.reps[place]}"
        )
        try:
            await scene.doors.pool.ClaimCustomer(claim, timeout=_AT_ALL)
        except grpc.aio.AioRpcError as error:
            refused += reason_of(error) == "POLICY_UNAVAILABLE"
    return refused


async def _seen_in_health(scene: Scene) -> bool:
    failed = 0
    for replica in scene.crew.of("pool"):
        async with open_channel(replica.address) as channel:
            health = await PolicyServiceStub(channel).GetPluginHealth(
                policy_service_pb2.GetPluginHealthRequest(), timeout=_AT_ALL
            )
            failed += sum(one.failed_decisions for one in health.plugins if one.plugin == "moody")
    return failed > 0


async def _probed(scene: Scene, tenant: Tenant, seconds: float) -> None:
    """Ask for somebody whom it does not concern, over and over, for some seconds."""
    async with probing(scene, tenant):
        await scene.lapse(seconds)


def _probing_beside(scene: Scene, good: Tenant) -> AbstractAsyncContextManager[None]:
    """The same for a tenant that has the same plugin; what is found is put down to ``good``."""
    return _asking(scene, good, _of_one_spared(_BESIDE), _BESIDE_IN_TIME, "decided beside")


def _of_one_spared(tenant: str) -> policy_service_pb2.EvaluateRequest:
    return policy_service_pb2.EvaluateRequest(
        name=f"{tenant}/policies/default.claim",
        facts={"days_since_created": fact_pb2.Value(int_value=moody.SPARED)},
    )


@asynccontextmanager
async def _asking(
    scene: Scene,
    tenant: Tenant,
    request: policy_service_pb2.EvaluateRequest,
    within: float,
    evidence: str,
) -> AsyncIterator[None]:
    """Ask every service over and over; what was asked last is waited for as well."""
    over = asyncio.Event()

    async def ask() -> None:
        while not over.is_set():
            for service in SERVICES:
                decided = await _ask(scene, tenant, service, request, within)
                scene.evidence[evidence] = scene.evidence.get(evidence, 0) + decided
            await lapse(0.05)

    asking = asyncio.create_task(ask())
    try:
        yield
        over.set()
        await asking
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def _ask(
    scene: Scene,
    tenant: Tenant,
    service: str,
    request: policy_service_pb2.EvaluateRequest,
    within: float,
) -> bool:
    """Ask once, and take down what was refused or took longer; return whether it was answered."""
    began, code = time.monotonic(), "OK"
    async with open_channel(scene.crew.target(service)) as channel:
        try:
            await PolicyServiceStub(channel).Evaluate(request, timeout=_AT_ALL)
        except (PeerRefused, PeerUnavailable, PeerFailed) as error:
            code = str(error)
    ended = time.monotonic()
    if code != "OK" or ended - began > within:
        what = f"{service}: {request.name}"
        asked = {"from": began, "to": ended, "within": within, "code": code, "what": what}
        scene.recorder.add(State(tenant.id, "asked", f"{service}-{began}", asked))
    return code == "OK"


async def _in_force(scene: Scene, tenant: Tenant) -> dict[str, int]:
    """Return the revision that each service decides by, and how many there are."""
    found = {}
    for service in SERVICES:
        async with open_channel(scene.crew.target(service)) as channel:
            request = policy_service_pb2.GetPolicyRequest(
                name=f"{tenant.name}/policies/default.claim"
            )
            found[service] = (await PolicyServiceStub(channel).GetPolicy(request)).revision
    listed = await scene.services.policies.ListRevisions(
        policy_service_pb2.ListRevisionsRequest(parent=tenant.name)
    )
    return {**found, "listed": len(listed.revisions)}


async def _refused_whole(scene: Scene, tenant: Tenant, what: str, document: str) -> None:
    request = policy_service_pb2.ApplyPolicyRequest(
        parent=tenant.name, document=document, request_id=f"{tenant.id}-{what}"
    )
    try:
        await repeated(lambda: scene.services.policies.ApplyPolicy(request))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
        reason = str(getattr(error, "reason", type(error).__name__))
        if reason not in _REFUSED:
            scene.found(tenant, what, [f"{what}: refused as {reason}"])
    else:
        scene.found(tenant, what, [f"{what}: accepted"])


def _bad_documents(tenant: Tenant) -> dict[str, str]:
    good = tenant.policy
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    return {
        "empty": "",
        "no mapping": "- 1\n- 2\n",
        "no YAML": good + "  : : {\n",
        "an unknown key": good + "colour: red\n",
        "an unknown setting": good.replace("cool_down_days", "cool_down_weeks"),
        "a wrong type": good.replace("cool_down_days: 0", "cool_down_days: soon"),
        "out of range": good.replace("cool_down_days: 0", "cool_down_days: -1"),
        "far out of range": good.replace("cool_down_days: 0", f"cool_down_days: {10**30}"),
        "an unknown plugin": good.replace("plugin: standard", "plugin: stranger"),
        "an unknown zone": good.replace("Asia/Shanghai", "Asia/Atlantis"),
        "an unknown version": good.replace("version: 1", "version: 2"),
        "a key twice": good + "zone: Europe/Berlin\n",
        "a tag": good + "holidays: !!python/object/apply:os.system [ls]\n",
        "an alias": good + "holidays: &days [2026-01-01]\nworkdays: *days\n",
        "a bomb": bomb,
        "very deep": "[" * 5_000,
        "very long": good + "# " + "x" * 70_000,
        "endless to check": good.replace("plugin: standard", "plugin: moody").replace(
            "cool_down_days: 0", f"thinks: {moody.ENDLESS}"
        ),
    }
