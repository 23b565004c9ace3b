"""A simulation of routing, as pool talks with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gonghai_assignment.simulation.board import Board
from gonghai_assignment.simulation.conversation import Conversation, Living, PoolAnswer
from gonghai_assignment.store.routing import RoutingStore
from gonghai_assignment.store.staff import StaffStore
from gonghai_chassis.errors import InvalidRequest
from gonghai_engine import Engine, PluginSelection
from gonghai_policy_service import PolicyBook
from gonghai_policy_service.trials import on_trial

if TYPE_CHECKING:
    from gonghai_chassis.testing.plugin import OpenStore

TENANT = "acme"


async def test_each_call_has_one_answer(open_store: OpenStore) -> None:
    store = await open_store("assignment")
    engine = Engine.load(PluginSelection(allowed=frozenset({"standard"})))
    book = PolicyBook(store, engine)
    staff, routings = StaffStore(store, book.key), RoutingStore(store, book.key)
    board = await Board.read(TENANT, 1, staff, routings)
    async with on_trial(engine, engine.tenant(TENANT), "") as trial:
        conversation = Conversation(Living(store, staff, routings, book), board, trial)
        assert await conversation.goes_on(1, answers=[], archive=[], pool=[]) == []
        with pytest.raises(InvalidRequest, match="1 to 0 calls"):
            await conversation.goes_on(2, answers=[PoolAnswer(1)], archive=[], pool=[])
        assert await conversation.goes_on(2, answers=[], archive=[], pool=[]) == []
