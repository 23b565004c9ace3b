"""Regions, teams and reps: made, changed and listed through gRPC, by those who may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.dayofweek_pb2 import MONDAY

from gonghai.assignment.v1 import assignment_service_pb2 as pb
from gonghai.assignment.v1 import rep_pb2
from gonghai.type.v1 import fact_pb2, watch_pb2
from gonghai_chassis.testing.refusals import refused

from .staffing import PARENT, serving_all

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

    from .staffing import Assignment


@pytest.mark.requirement("C1")
async def test_regions_form_a_tree_with_facts(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.region("east")
        made = await assignment.region(
            "shanghai", "east", competition=fact_pb2.Value(string_value="fierce")
        )
        assert made.path == "east/shanghai"
        got = await assignment.stub.GetRegion(
            pb.GetRegionRequest(name=f"{PARENT}/regions/shanghai")
        )
        assert got == made
        assert got.facts["competition"].string_value == "fierce"


async def test_a_region_is_made_below_one_that_exists(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        error = await refused(assignment.region("shanghai", "east"))
        assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")


async def test_a_region_stays_where_it_was_put(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.region("east")
        await assignment.region("south")
        region = rep_pb2.Region(
            name=f"{PARENT}/regions/east", parent_region=f"{PARENT}/regions/south"
        )
        request = pb.UpdateRegionRequest(region=region)
        request.update_mask.paths.append("parent_region")
        error = await refused(assignment.stub.UpdateRegion(request))
        assert error.reason == "INVALID_FIELD"


@pytest.mark.requirement("C1")
async def test_a_rep_keeps_all_that_was_said_of_him(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.region("east")
        await assignment.team("north-team", "wu")
        made = await assignment.rep(
            "li",
            team=f"{PARENT}/teams/north-team",
            regions=["east"],
            skills=["cold-chain"],
            product_lines=["milk"],
            languages=["zh"],
            performance=800,
            roles=["hunter"],
            working_hours=[rep_pb2.WorkingHours(day=MONDAY, start_minute=540, end_minute=1080)],
            leaves=[rep_pb2.Leave(start_time=Timestamp(seconds=100), reason="wedding")],
        )
        assert await assignment.get("li") == made
        assert made.state == rep_pb2.REP_STATE_ACTIVE
        assert made.seniority == rep_pb2.SENIORITY_SENIOR
        assert made.leaves[0].reason == "wedding"
        assert made.working_hours[0].end_minute == 1080


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"team": f"{PARENT}/teams/none"}, "rep.team"),
        ({"team": "tenants/other/teams/none"}, ""),
        ({"regions": ["nowhere"]}, "rep.regions[0]"),
        (
            {"working_hours": [rep_pb2.WorkingHours(day=MONDAY, start_minute=600, end_minute=600)]},
            "rep.working_hours[0].end_minute",
        ),
        (
            {
                "leaves": [
                    rep_pb2.Leave(start_time=Timestamp(seconds=9), end_time=Timestamp(seconds=9))
                ]
            },
            "rep.leaves[0].end_time",
        ),
        ({"performance": 1001}, "rep.performance"),
    ],
)
async def test_a_rep_that_cannot_be_is_refused_naming_the_field(
    store_settings: StoreSettings, fields: dict[str, object], field: str
) -> None:
    async with serving_all(store_settings) as assignment:
        error = await refused(assignment.rep("li", **fields))
        assert error.reason == "INVALID_FIELD"
        assert error.message.startswith(field)


async def test_an_update_changes_what_its_mask_names(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        before = await assignment.rep("li", skills=["a"], performance=1)
        after = await assignment.change("li", "skills", skills=["b"], performance=7)
        assert (list(after.skills), after.performance) == (["b"], 1)
        assert after.etag != before.etag
        assert after.create_time == before.create_time


async def test_an_etag_that_is_not_the_current_one_is_aborted(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        first = await assignment.rep("li")
        await assignment.change("li", performance=5)
        rep = rep_pb2.Rep(name=first.name, etag=first.etag, performance=9)
        error = await refused(assignment.stub.UpdateRep(pb.UpdateRepRequest(rep=rep)))
        assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_a_request_that_is_repeated_answers_the_same(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        request = pb.CreateTeamRequest(
            parent=PARENT, team=rep_pb2.Team(display_name="North"), request_id="once"
        )
        first = await assignment.stub.CreateTeam(request)
        assert await assignment.stub.CreateTeam(request) == first
        listed = await assignment.stub.ListTeams(pb.ListTeamsRequest(parent=PARENT))
        assert list(listed.teams) == [first]
        request.team.display_name = "South"
        error = await refused(assignment.stub.CreateTeam(request))
        assert error.reason == "REQUEST_ID_REUSED"


async def test_an_id_is_taken_once(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        error = await refused(assignment.rep("li"))
        assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "RESOURCE_EXISTS")
        error = await refused(assignment.change("wang", performance=1))
        assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "RESOURCE_NOT_FOUND")


async def test_pages_hold_every_rep_once_in_the_order_of_ids(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        for ident in ("c", "a", "d", "b", "e"):
            await assignment.rep(ident)
        seen: list[str] = []
        request = pb.ListRepsRequest(parent=PARENT, page_size=2)
        while True:
            page = await assignment.stub.ListReps(request)
            assert len(page.reps) <= 2
            seen += [rep.name.rpartition("/")[2] for rep in page.reps]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        assert seen == ["a", "b", "c", "d", "e"]


async def team_of_three(assignment: Assignment) -> None:
    await assignment.team("north", "boss")
    for ident in ("boss", "li", "wang"):
        await assignment.rep(
            ident,
            team=f"{PARENT}/teams/north" if ident != "wang" else "",
            performance=500,
            leaves=[rep_pb2.Leave(start_time=Timestamp(seconds=5), reason="private")],
        )


async def test_colleagues_see_what_a_rep_does_and_not_how_he_fares(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await team_of_three(assignment)
        request = pb.GetRepRequest(name=f"{PARENT}/reps/li")
        seen = {
            who: await assignment.as_(who).GetRep(request)
            for who in ("rep:li@acme", "manager:boss@acme", "rep:wang@acme", "manager:wang@acme")
        }
        for who in ("rep:li@acme", "manager:boss@acme"):
            assert (seen[who].performance, seen[who].leaves[0].reason) == (500, "private")
        for who in ("rep:wang@acme", "manager:wang@acme"):
            assert (seen[who].performance, seen[who].leaves[0].reason) == (0, "")
            assert seen[who].leaves[0].start_time.seconds == 5


async def test_a_rep_says_when_he_is_away_and_his_manager_the_rest(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await team_of_three(assignment)

        def request(**fields: object) -> pb.UpdateRepRequest:
            message = pb.UpdateRepRequest(rep=rep_pb2.Rep(name=f"{PARENT}/reps/li", **fields))  # type: ignore[arg-type]
            message.update_mask.paths.extend(fields)
            return message

        away = request(leaves=[rep_pb2.Leave(start_time=Timestamp(seconds=9))])
        assert (await assignment.as_("rep:li@acme").UpdateRep(away)).leaves[0].start_time.seconds
        error = await refused(assignment.as_("rep:li@acme").UpdateRep(request(capacity=999)))
        assert (error.code, error.reason) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_ALLOWED")
        for stranger in ("rep:wang@acme", "manager:wang@acme"):
            error = await refused(assignment.as_(stranger).UpdateRep(away))
            assert error.reason == "NOT_ALLOWED"
        changed = await assignment.as_("manager:boss@acme").UpdateRep(request(capacity=7))
        assert changed.capacity == 7


async def test_a_team_is_changed_by_its_managers(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await team_of_three(assignment)
        request = pb.UpdateTeamRequest(
            team=rep_pb2.Team(name=f"{PARENT}/teams/north", display_name="New")
        )
        error = await refused(assignment.as_("manager:li@acme").UpdateTeam(request))
        assert error.reason == "NOT_ALLOWED"
        team = await assignment.as_("manager:boss@acme").UpdateTeam(request)
        assert (team.display_name, list(team.managers)) == ("New", [f"{PARENT}/reps/boss"])


async def test_changes_are_told_without_what_is_personal(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.region("east")
        await team_of_three(assignment)
        watch = pb.WatchRequest(scope=watch_pb2.WatchScope(tenant=PARENT))
        kinds: list[str] = []
        reps: list[rep_pb2.Rep] = []
        responses = assignment.stub.Watch(watch)
        async for response in responses:
            for event in response.events:
                kinds.append(event.WhichOneof("kind") or "")
                if kinds[-1] == "rep_changed":
                    reps.append(event.rep_changed)
            if len(kinds) >= 5:
                break
        responses.cancel()
        assert kinds == ["region_changed", "team_changed"] + 3 * ["rep_changed"]
        assert all(rep.display_name == "" and rep.leaves[0].reason == "" for rep in reps)
        assert {rep.performance for rep in reps} == {500}


async def test_a_snapshot_has_every_region_team_and_rep(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.region("z-top")
        await assignment.region("a-below", "z-top")
        await team_of_three(assignment)
        request = pb.ExportSnapshotRequest(scope=watch_pb2.WatchScope(tenant=PARENT))
        subjects: list[str] = []
        places: list[int] = []
        async for response in assignment.stub.ExportSnapshot(request):
            if response.HasField("checkpoint"):
                places.append(response.checkpoint.cursor.position)
            subjects += [event.subject for event in response.events]
        assert subjects == ["z-top", "a-below", "north", "boss", "li", "wang"]
        assert places == [6]


async def test_what_is_not_built_says_so(store_settings: StoreSettings) -> None:
    async with serving_all(store_settings) as assignment:
        error = await refused(
            assignment.stub.GetScorecard(pb.GetScorecardRequest(rep=f"{PARENT}/reps/li"))
        )
        assert (error.code, error.reason) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED")
        plan = assignment.stub.ApplyPlan(pb.ApplyPlanRequest(name=f"{PARENT}/plans/p"))
        assert (await refused(plan)).reason == "NOT_IMPLEMENTED"
