"""The checker of scripts finds what it is there to find."""

from __future__ import annotations

import pytest

from gonghai_chassis.store.headers import check_include, check_package, check_script, main
from gonghai_chassis.store.scripts import CHASSIS, ScriptError, parse_header

GOOD = """\
--[[
put: writes a value once.
KEYS clock value
ARG  text
Returns ok | taken
]]
-- @include clock
-- @include reply
if redis.call('EXISTS', KEY.value) == 1 then return reply('taken') end
-- WRITES
write_clock()
redis.call('SET', KEY.value, ARG.text)
return reply('ok')
"""


def faults(source: str) -> list[str]:
    return check_script(source, "put.lua", CHASSIS)


def test_a_good_script_has_no_faults() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("KEYS clock value", "KEYS clock", "KEYS lacks value"),
        ("KEYS clock value", "KEYS value", "KEYS lacks clock"),
        ("KEYS clock value", "KEYS clock value other", "KEYS other is not used"),
        ("ARG  text", "ARG", "ARG lacks text"),
        ("ARG  text", "ARG  text more", "ARG more is not used"),
        ("ARG  text", "ARG  text deadline", "given to every script"),
        ("Returns ok | taken", "", "does not say what"),
        ("KEY.value, ARG.text", "KEYS[2], ARG.text .. KEY.value", "use KEY and ARG"),
        ("-- WRITES\nwrite_clock()", "write_clock()\n-- WRITES", "write_clock writes"),
        ("'EXISTS', KEY.value) == 1", "'DEL', KEY.value) == 1", "DEL comes before"),
        ("return reply('ok')", "return redis.call('GET', KEY.value)", "GET reads"),
        ("return reply('ok')", "assert(false)", "nothing may fail"),
        ("'SET', KEY.value", "'FLUSHALL', KEY.value", "FLUSHALL is not a command"),
        ("'SET', KEY.value", "ARG.text, KEY.value", "name the command"),
        ("'SET', KEY.value", "'SET', KEY.value .. ':' .. ARG.text", "others begin with it"),
        ("'SET', KEY.value", "'SET', ARG.text", "key ARG.text is not declared"),
        ("'SET', KEY.value", "'SET', 'gh:' .. KEY.value", "is not declared"),
        ("write_clock()", "local key = ARG.text\nredis.call('DEL', key)", "key is not declared"),
        ("-- WRITES", "-- WRITES\n-- WRITES", "more than once"),
        ("-- @include reply", "-- @include nothing", "no include 'nothing'"),
        ("--[[\n", "", "does not begin with a header"),
    ],
)
def test_a_fault_is_found(before: str, after: str, fault: str) -> None:
    assert before in GOOD
    assert any(fault in found for found in faults(GOOD.replace(before, after)))


def test_a_write_in_a_function_counts_where_it_is_called() -> None:
    own = "local function put()\n  redis.call('SET', KEY.value, ARG.text)\nend\n"
    late = GOOD.replace("if redis", own + "if redis").replace(
        "redis.call('SET', KEY.value, ARG.text)\nreturn", "put()\nreturn"
    )
    assert faults(late) == []
    early = late.replace("-- WRITES\n", "put()\n-- WRITES\n")
    assert any("put writes" in fault for fault in faults(early))


def test_an_include_may_write_in_its_functions_only() -> None:
    source = "--[[\nx: y\nKEYS value\nARG\nReturns x()\n]]\nredis.call('SET', KEY.value, 1)\n"
    assert any("outside a function" in fault for fault in check_include(source, "x.lua"))


def test_a_list_of_keys_comes_last() -> None:
    header = parse_header("--[[\nx: y\nKEYS clock rest...\nARG\nReturns z\n]]\n", "x")
    assert (header.keys, header.listed) == (("clock", "rest"), "rest")
    with pytest.raises(ScriptError):
        parse_header("--[[\nx: y\nKEYS rest... clock\nARG\nReturns z\n]]\n", "x")


@pytest.mark.parametrize("package", [CHASSIS, "gonghai_chassis.testing"])
def test_our_scripts_have_no_faults(package: str) -> None:
    assert check_package(package) == []
    assert main([package]) == 0
