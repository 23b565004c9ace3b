"""The account as a person reads it: every word of every table, in both languages."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from gonghai_cli.account.account import Account, Gain, Loss, Place, PoolLine, RepLine, Standing
from gonghai_cli.account.account import RefusedClaim as Refused
from gonghai_cli.account.earnings import Card, Earning, Month, StatementLine
from gonghai_cli.account.form import ROWS, Form, of_each
from gonghai_cli.account.goods import Goods
from gonghai_cli.account.kinds import Kind
from gonghai_cli.account.signs import Sign
from gonghai_cli.account.tables import show
from gonghai_cli.account.trade import Cell, Collision, Stop, Trade
from gonghai_cli.flow.sample import first_day
from gonghai_cli.language import Language
from gonghai_plugin.sample import opens

NOON = 1_813_982_400_000_000  # 2027-06-26T12:00 in Shanghai

NOTHING = Trade(kinds=(), grid=(), signs=(), stops=(), goods=(), collisions=(), month=None)
TRADE = Trade(
    kinds=(
        Kind(("channel role", "渠道角色"), ("Wholesaler", "批发商"), 9, (("active", 7),), 152, 100),
    ),
    grid=(Cell("high", "low", "steady", 11, 330_437_899), Cell("low", "high", "seed", 2, 100)),
    signs=(Sign("orders-slowing", 70, "海口望海海鲜酒楼", "core", "已67天未进货"),),
    stops=(Stop("moratorium-north-of-35", 7, NOON, ("moratorium", "伏季休渔")),),
    goods=(
        Goods("abalone", ("Abalone", "鲍鱼"), 35, 20, ("烟台远帆海鲜酒楼", "青岛鲜达")),
        Goods("squid", ("squid", "squid"), 0, 1, ()),
    ),
    collisions=(Collision("exclusive", ("昆明", "dairy"), ("甲", "乙"), 2, "独家"),),
    month=Month(
        "2027-05",
        (Earning("d1", "金樽", "gold", 3, 1_000_00, -10_00, 990_00),),
        "金樽",
        (StatementLine(NOON, "return-1", "福星", -400_00, 250, -10_00, "退货"),),
        (Card("金樽", "gold", 70_000_00, 81_234_00, 9, 2, 1, 7),),
    ),
)


def _account(trade: Trade) -> Account:
    return Account(
        now=NOON,
        standings=(Standing("core", 80, "loyal", 3, 500_00),),
        pools=(PoolLine("east", "华东", 1, 2, 1),),
        reps=(RepLine("r1", "何美玲", 1, 2000, 0, 1, 0, 1),),
        gains=(Gain("c1", "甲", "core", "r1", "claimed", NOON, "", "east"),),
        warnings=1,
        losses=(Loss("c2", "乙", "core", "r1", "east", "no-order", NOON, NOON, "长期未订货"),),
        refusals=(Refused("c2", "乙", "r1", ("COOL_DOWN",), ("前负责人",), NOON),),
        places=(Place("c1", "HELD", "east", "r1", NOON, None, "core", "loyal"),),
        trade=trade,
    )


def _shown(trade: Trade, language: Language) -> str:
    console = Console(file=StringIO())
    show(_account(trade), console, language, "Asia/Shanghai")
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("language", list(Language))
def test_what_is_special_to_a_trade_is_told_in_both_languages(language: Language) -> None:
    text = _shown(TRADE, language)
    always = ("steady", "orders-slowing", "moratorium-north-of-35", "昆明 / dairy")
    called = {Language.EN: ("Wholesaler", "Abalone"), Language.ZH: ("批发商", "鲍鱼", "渠道角色")}
    told = (*always, *called[language], "active 7", "15.2", "81,234.00", "+2 -1")
    for part in (*told, "3,304,378.99", "2.5 %", "-10.00", "990.00", "2027-06-26 12:00"):
        assert part in text, part


@pytest.mark.parametrize("language", list(Language))
def test_a_trade_that_has_nothing_of_it_is_told_nothing_of_it(language: Language) -> None:
    with_it, without = _shown(TRADE, language), _shown(NOTHING, language)
    assert without.count("┏") == with_it.count("┏") - 9


def test_a_file_is_wide_enough_for_a_row_to_stay_one() -> None:
    lines = _shown(TRADE, Language.EN).splitlines()
    (row,) = [line for line in lines if "no-order" in line and "east" in line]
    assert "乙" in row
    assert row.count("2027-06-26 12:00") == 2


@given(st.lists(st.sampled_from("abcdef")))
def test_of_a_long_table_some_of_each_kind_are_shown_in_their_order(kinds: list[str]) -> None:
    lines = list(enumerate(kinds))
    chosen = of_each(lines, lambda line: line[1])
    assert len(chosen) == min(ROWS, len(lines))
    assert chosen == sorted(chosen)
    assert {kind for _, kind in chosen} == set(kinds)


def _make(*, seed: int = 7, start: int, customers: int = 300) -> Any:  # noqa: ANN401 - never called
    raise AssertionError(seed, start, customers)


@pytest.mark.parametrize(
    ("earliest", "begun"),
    [
        (datetime(2026, 11, 23, tzinfo=UTC), datetime(2027, 4, 13, tzinfo=UTC)),
        (datetime(2027, 4, 13, tzinfo=UTC), datetime(2027, 4, 13, tzinfo=UTC)),
        (datetime(2027, 4, 14, tzinfo=UTC), datetime(2028, 4, 13, tzinfo=UTC)),
    ],
)
def test_a_demo_begins_on_the_next_day_that_suits_the_trade(
    earliest: datetime, begun: datetime
) -> None:
    assert first_day(opens(month=4, day=13)(_make), earliest) == begun
    assert first_day(_make, earliest) == earliest


def test_moments_are_of_the_zone() -> None:
    assert Form(Language.EN, ZoneInfo("UTC")).moment(NOON) == "2027-06-26 04:00"
