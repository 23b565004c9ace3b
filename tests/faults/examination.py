"""What the doctor says after a row: audits of all records, projections beside their sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai.upkeep.v1 import upkeep_service_pb2 as pb
from gonghai_chassis.store.partitions import partition_index
from gonghai_cli.doctor.examination import Doctor
from gonghai_cli.doctor.services import UpkeepServices
from gonghai_cli.flow.repeat import repeated
from gonghai_cli.stack import Addresses
from tests.faults.crew import PARTITIONS, SERVICES

if TYPE_CHECKING:
    from gonghai_cli.doctor.findings import Examination
    from tests.faults.crew import Crew

_PATIENCE: Final = 60.0
_VISITS: Final = 3


def upkeep_of(crew: Crew) -> UpkeepServices:
    """Return the services as an operator looks after them."""
    return UpkeepServices(Addresses(**{service: crew.target(service) for service in SERVICES}))


async def head(services: UpkeepServices, source: str, tenant: str) -> int:
    """Return the position of the last entry in the stream that a tenant's events are in."""
    stub = services.by_name[source]
    condition = await repeated(lambda: stub.GetCondition(pb.GetConditionRequest()))
    index = partition_index(tenant, PARTITIONS)
    return next(each.head.position for each in condition.partitions if each.partition == index)


async def examined(crew: Crew) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Have a crew that serves and rests looked at.

    Returns:
        What the audits say, and what the comparisons say: sentences by where.
    """
    async with upkeep_of(crew) as services:
        doctor = Doctor(services, patience=_PATIENCE)
        found = await doctor.examine()
        for _ in range(_VISITS):
            if not found.away:
                break
            found = await doctor.examine()
    return _audits(found), _comparisons(found)


def _audits(found: Examination) -> dict[str, list[str]]:
    by_place = {f"{each.service} {each.partition}": list(each.findings) for each in found.audits}
    away = {name: [f"{name} could not be looked at: {why}"] for name, why in found.away.items()}
    return by_place | away


def _comparisons(found: Examination) -> dict[str, list[str]]:
    sentences: dict[str, list[str]] = {}
    for each in found.comparisons:
        place = f"{each.service} of {each.source} {each.partition}"
        sentences[place] = [f"{place}: {each.behind}"] if each.behind else []
        sentences[place] += [
            f"{place}: {one.kind} {one.tenant}/{one.subject} {pb.Difference.Cause.Name(one.cause)}"
            f" {one.source_version} {one.projected_version}"
            for one in each.differences
        ]
    for service, condition in found.conditions.items():
        for partition in condition.partitions:
            for source in partition.sources:
                if source.quarantined_subjects:
                    place = f"{service} of {source.source} {partition.partition}"
                    sentences.setdefault(place, []).append(
                        f"{place}: {source.quarantined_subjects} subjects are quarantined"
                    )
    return sentences
