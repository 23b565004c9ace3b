"""`gonghai doctor --repair` makes anew what differs and what is in quarantine, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from gonghai.upkeep.v1 import upkeep_service_pb2 as pb
from gonghai_cli.doctor.examination import Doctor
from gonghai_cli.doctor.findings import Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_cli.doctor.services import UpkeepServices


class Ward:
    """A service's upkeep: two sources in two partitions, until they are made anew."""

    def __init__(self, *, differing: set[tuple[str, int]], waiting: set[tuple[str, int]]) -> None:
        self.differing = differing
        self.waiting = waiting
        self.rebuilt: list[tuple[str, int]] = []

    async def GetCondition(self, request: pb.GetConditionRequest) -> pb.Condition:  # noqa: ARG002, N802
        condition = pb.Condition(service="pool")
        for number in (0, 1):
            partition = condition.partitions.add(partition=number, holder="somebody")
            for source in ("archive", "assignment"):
                waiting = int((source, number) in self.waiting)
                partition.sources.add(source=source, quarantined_subjects=waiting)
        return condition

    async def CompareProjection(  # noqa: N802
        self,
        request: pb.CompareProjectionRequest,
        timeout: float,  # noqa: ARG002, ASYNC109
    ) -> AsyncIterator[pb.CompareProjectionResponse]:
        if (request.source, request.partition) in self.differing:
            yield pb.CompareProjectionResponse(difference=pb.Difference(subject="c1"))
        yield pb.CompareProjectionResponse(compared=5)

    async def AuditRecords(  # noqa: N802
        self,
        request: pb.AuditRecordsRequest,  # noqa: ARG002
        timeout: float,  # noqa: ARG002, ASYNC109
    ) -> AsyncIterator[pb.AuditRecordsResponse]:
        yield pb.AuditRecordsResponse(audited=5)

    async def RebuildProjection(  # noqa: N802
        self,
        request: pb.RebuildProjectionRequest,
        timeout: float,  # noqa: ARG002, ASYNC109
    ) -> AsyncIterator[pb.RebuildProjectionResponse]:
        place = (request.source, request.partition)
        self.rebuilt.append(place)
        self.differing.discard(place)
        self.waiting.discard(place)
        yield pb.RebuildProjectionResponse()


async def repaired(ward: Ward) -> Any:  # noqa: ANN401 - an examination
    doctor = Doctor(cast("UpkeepServices", SimpleNamespace(by_name={"pool": ward})))
    found = await doctor.examine()
    assert found.verdict is Verdict.FINDINGS
    return await doctor.repair(found)


async def test_quarantine_is_freed_where_nothing_differs() -> None:
    ward = Ward(differing=set(), waiting={("archive", 1)})
    mended = await repaired(ward)
    assert ward.rebuilt == [("archive", 1)]
    assert mended.verdict is Verdict.HEALTHY
    assert [(one.source, one.partition) for one in mended.comparisons if one.repaired] == [
        ("archive", 1)
    ]


async def test_what_differs_and_waits_is_made_anew_once() -> None:
    ward = Ward(differing={("archive", 0), ("assignment", 1)}, waiting={("archive", 0)})
    mended = await repaired(ward)
    assert sorted(ward.rebuilt) == [("archive", 0), ("assignment", 1)]
    assert mended.verdict is Verdict.HEALTHY
