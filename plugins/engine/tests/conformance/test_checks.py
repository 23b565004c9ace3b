"""A plugin fresh from the template keeps every promise; a broken one is found out, by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from plugins.engine.tests.distributions import install, use

from gonghai_engine.calendar import Calendar
from gonghai_engine.compiled import CompiledPolicy
from gonghai_engine.conformance import Check, Limits, Status, check_plugin
from gonghai_engine.conformance.examination import decided, differing, unlike_columns
from gonghai_engine.conformance.findings import EXCUSABLE
from gonghai_engine.conformance.made_up import MadeUp
from gonghai_engine.verdicts import Moment
from gonghai_standard import STANDARD

if TYPE_CHECKING:
    from plugins.engine.tests.conformance.projects import Project

    from gonghai_engine.conformance import Report

INIT, SETTINGS, CUSTOMERS, RULES = "__init__.py", "settings.py", "customers.py", "rules.py"
HOOK = "        registry.add(PLUGIN)"

# What is changed in which file, the check that fails, and what it says.
UNUSABLE = {
    "does not import": (
        (INIT, "from typing", "import there_is_no_such_module\nfrom typing"),
        Check.LOADS, "there_is_no_such_module",
    ),
    "leaves while it is imported": (
        (INIT, "GIVEN: Final", "raise SystemExit(3)\nGIVEN: Final"),
        Check.LOADS, "SystemExit: 3",
    ),
    "dies while it is imported": (
        (INIT, "GIVEN: Final", "import os; os.kill(os.getpid(), 9)\nGIVEN: Final"),
        Check.LOADS, "the process ended",
    ),
    "raises": ((INIT, HOOK, '        raise RuntimeError("boom")'), Check.LOADS, "boom"),
    "loops": ((INIT, HOOK, "        while True: pass"), Check.LOADS, "does it loop?"),
    "targets another SDK": ((INIT, 'sdk="1.0"', 'sdk="2.0"'), Check.SDK, "another major"),
    "has a rank that is a text": (
        (RULES, 'Tier("a", 70', 'Tier("a", "70"'), Check.TYPES,
        "policies[tiering].rules.rules[strong-shops].then.rank is '70', int is asked for",
    ),
    "decides what no tier is": (
        (RULES, 'Tier("a", 70, Text("A", "A级"))', 'Text("a", "A级")'), Check.TYPES,
        "rules[strong-shops].then is a Text, Tier is asked for",
    ),
    "has defaults that do not hold": (
        (SETTINGS, "Field(30_000_000", "Field(-1"), Check.SETTINGS, "the defaults do not hold",
    ),
    "does not explain a setting": (
        (SETTINGS, "Yearly amount of a key customer", ""), Check.SETTINGS,
        "the setting key_amount has no description",
    ),
    "names a fact that it does not declare": (
        (INIT, "attributes=(SHOPS, GOODS)", "attributes=(SHOPS,)"), Check.RULES,
        "it names the attribute 'goods', which the plugin does not declare",
    ),
    "contradicts itself": (
        (
            RULES, 'host.AMOUNT_365D.at_least(setting("key_amount"))',
            "host.ORDERS_30D.less_than(-(2**63))",
        ),
        Check.RULES, "rule 'key-amount': its condition can never hold",
    ),
}  # fmt: skip

OUT_OF_A_SET = """\
OUT_OF_A_SET = tuple(
    Rule(f"in-{name}", host.SOURCE.equals(name), Tier(name, 30, Text(name, name)), Text("x", "x"))
    for name in {"a", "b", "c", "d", "e", "f"}
)

TIERING: Final = Tiering("""

# What all is wrong with one plugin that can be used: everything is told at once.
DUBIOUS = (
    ((RULES, '"无停表"', '""'), Check.SENTENCES, "has no Chinese"),
    (
        (RULES, 'setting("no_order_days")', "AMOUNT_PER_SHOP"), Check.TOTAL,
        "fact 'amount_per_shop' is missing or negative",
    ),
    (
        (INIT, "GIVEN: Final", "NOTES = open(__file__).read()\nGIVEN: Final"),
        Check.PURE, "calls open() (gonghai_tea:",
    ),
    (
        (INIT, "GIVEN: Final", "import socket\nsocket.socket().close()\nGIVEN: Final"),
        Check.PURE, "socket.__new__ (gonghai_tea:",
    ),
    (
        (INIT, "GIVEN: Final", "import subprocess\nsubprocess.run('true')\nGIVEN: Final"),
        Check.PURE, "subprocess.Popen (gonghai_tea:",
    ),
    (
        (INIT, HOOK, f"        import datetime\n        datetime.datetime.now()\n{HOOK}"),
        Check.PURE, "asks for the time: .now() (gonghai_tea:",
    ),
    (
        (INIT, HOOK, f"        import random\n        random.random()\n{HOOK}"),
        Check.PURE, "calls random.random (gonghai_tea:",
    ),
    (
        (
            RULES, "        otherwise(\n            Tier(",
            "        *OUT_OF_A_SET,\n        otherwise(\n            Tier(",
        ),
        Check.DETERMINISTIC, "another hash seed",
    ),
    (
        (RULES, "TIERING: Final = Tiering(", OUT_OF_A_SET),
        Check.DETERMINISTIC, "another hash seed",
    ),
    (
        (CUSTOMERS, "host.AMOUNT_365D // SHOPS.fact", "SHOPS.fact - SHOPS.fact"),
        Check.REACHABLE, "no facts were found for which the rule 'strong-shops' decides",
    ),
    (
        (SETTINGS, "30_000_000", "30_000_001"), Check.GOLDEN,
        "a large customer, exactly at the threshold: tiering: 'otherwise', not 'key-amount'",
    ),
    (
        ("golden.yaml", "shops: 20", "shops: ten"), Check.GOLDEN,
        "failed: fact 'shops' is a int64",
    ),
    (
        ("golden.yaml", "expect: {stops: [spring-festival]}", "expect: {tier: c}"), Check.GOLDEN,
        "no case expects the rule 'spring-festival'",
    ),
)  # fmt: skip


def _said(report: Report, check: Check) -> str:
    return "\n".join(item.message for item in report.of(check))


def test_a_plugin_fresh_from_the_template_keeps_every_promise(project: Project) -> None:
    report = check_plugin("tea", project.golden)
    assert {check: report.status(check) for check in Check} == dict.fromkeys(Check, Status.PASSED)
    assert report.passed
    assert report.version == "0.1.0"


@pytest.mark.parametrize(("change", "check", "says"), UNUSABLE.values(), ids=list(UNUSABLE))
def test_a_plugin_that_cannot_be_used_is_found_out(
    project: Project, change: tuple[str, str, str], check: Check, says: str
) -> None:
    project.change(*change)
    report = check_plugin("tea", project.golden, Limits(seconds=4 if "while" in change[2] else 60))
    assert says in _said(report, check), report
    assert not report.passed


def test_a_rule_of_another_service_that_reads_what_is_sensitive_is_found_out(
    project: Project,
) -> None:
    project.change(CUSTOMERS, '"门店数"), minimum=0', '"门店数"), minimum=0, sensitive=True')
    assert check_plugin("tea", project.golden).passed
    project.change(RULES, "days without an order", "days, {amount_per_shop} a shop")
    said = _said(check_plugin("tea", project.golden), Check.RULES)
    assert "reclaim plans, rule 'plain': it names 'amount_per_shop', worked out of 'shops'" in said


def test_what_is_wrong_with_a_plugin_that_can_be_used_is_told_at_once(project: Project) -> None:
    for change, _, _ in DUBIOUS:
        project.change(*change)
    report = check_plugin("tea", project.golden, Limits(latency_ratio=0.01))
    for _, check, says in DUBIOUS:
        assert says in _said(report, check), (says, report)
    assert "times as much as the baseline's" in _said(report, Check.LATENCY)


def test_a_function_is_watched_while_it_runs_and_said_to_be_slow(project: Project) -> None:
    project.change(CUSTOMERS, "Unit, derived", "Unit, computed")
    project.change(
        CUSTOMERS,
        "AMOUNT_PER_SHOP: Final = derived(",
        "def _share(amount: int, shops: int) -> int:\n"
        "    import random\n"
        "    return amount // shops + random.randint(0, 99)\n\n\n"
        "AMOUNT_PER_SHOP: Final = computed(",
    )
    project.change(
        CUSTOMERS,
        "host.AMOUNT_365D // SHOPS.fact,\n    Unit.MONEY,",
        "_share,\n    host.AMOUNT_365D,\n    SHOPS.fact,\n    unit=Unit.MONEY,",
    )
    report = check_plugin("tea", project.golden)
    assert "calls random.randint (gonghai_tea.customers:" in _said(report, Check.PURE)
    assert "amount_per_shop" in _said(report, Check.TOTAL)
    assert "ZeroDivisionError" in _said(report, Check.TOTAL)
    assert "tiering: once strong-shops" in _said(report, Check.DETERMINISTIC)
    assert "the fact 'amount_per_shop' is made by a function" in _said(report, Check.LATENCY)


HANGS_ON = """
def made():
    first = []
    def moody(orders):
        first.append(orders)
        from datetime import datetime
        from os import environ, getcwd
        zone = datetime(2031, 3, 3).timestamp() != datetime(2031, 3, 3, tzinfo=UTC).timestamp()
        words = [len(word) for word in {"a", "be", "see", "door", "chair", "kettle"}]
        order = sum(length * 6**place for place, length in enumerate(words))
        return 10**8 + (first[0] % 10**5) * 10**9 + order * 100 + sum(
            [zone, 2 * (environ["LC_ALL"] == "C.UTF-8"), 4 * (getcwd() == HERE)]
        )
    return moody

from datetime import UTC
from os import getcwd
HERE = __HERE__
moody = made()
"""


def test_what_a_function_hangs_on_beside_its_facts_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "everywhere", HANGS_ON.replace("__HERE__", repr(str(Path.cwd()))))
    use(monkeypatch, tmp_path)
    report = check_plugin("everywhere", excused=EXCUSABLE)
    assert _said(report, Check.DETERMINISTIC) == (
        "another process decides otherwise with another hash seed (the order of a set?), and in "
        "another zone, and in another locale, and in another directory, and asked in another order"
    )
    assert "moody() keeps state between calls: it changes first" in _said(report, Check.PURE)


TIRED = """
from dataclasses import sys
import decimal
decimal.getcontext().prec = 3
decimal.DefaultContext.prec = 4
sys.setrecursionlimit(1234)

class Tired:
    asked = 0
    def __call__(self, orders):
        self.asked += 1
        return 200 if self.asked > 1000 else orders

moody = Tired()
"""


def test_a_function_that_tires_and_what_is_set_for_the_whole_process_are_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "tired", TIRED)
    use(monkeypatch, tmp_path)
    report = check_plugin("tired", excused=EXCUSABLE)
    assert "tiering: once otherwise" in _said(report, Check.DETERMINISTIC)
    pure = _said(report, Check.PURE)
    assert "__call__() keeps state between calls: it changes self (tired_plugin:" in pure
    for shared in ("context of decimal", "default context of decimal", "recursion limit"):
        assert f"changes the {shared}" in pure


def test_a_pure_function_with_a_cache_of_its_answers_keeps_every_promise(project: Project) -> None:
    project.change(CUSTOMERS, "Unit, derived", "Unit, computed")
    project.change(
        CUSTOMERS,
        "AMOUNT_PER_SHOP: Final = derived(",
        "@lru_cache(maxsize=None)\n"
        "def _share(amount: int, shops: int) -> int:\n"
        "    return min(amount // max(shops, 1), 10**12)\n\n\n"
        "AMOUNT_PER_SHOP: Final = computed(",
    )
    project.change(CUSTOMERS, "from typing", "from functools import lru_cache\nfrom typing")
    project.change(
        CUSTOMERS,
        "host.AMOUNT_365D // SHOPS.fact,\n    Unit.MONEY,",
        "_share,\n    host.AMOUNT_365D,\n    SHOPS.fact,\n    unit=Unit.MONEY,",
    )
    report = check_plugin("tea", project.golden)
    for check in (Check.PURE, Check.TOTAL, Check.DETERMINISTIC):
        assert report.status(check) is Status.PASSED, report


def test_a_file_that_is_about_another_plugin_is_refused(project: Project) -> None:
    project.change("golden.yaml", 'plugin: "tea"', "plugin: coffee")
    report = check_plugin("tea", project.golden)
    assert _said(report, Check.GOLDEN) == "golden.yaml is about the plugin 'coffee'"


def test_without_golden_decisions_it_fails_unless_that_is_excused(project: Project) -> None:
    del project
    report = check_plugin("tea")
    assert not report.passed
    assert _said(report, Check.GOLDEN) == "there are no golden decisions"
    report = check_plugin("tea", excused=(Check.GOLDEN,))
    assert report.passed
    assert report.status(Check.GOLDEN) is Status.WARNED


def test_a_rule_that_nothing_reaches_fails_unless_that_is_excused(project: Project) -> None:
    project.change(CUSTOMERS, "host.AMOUNT_365D // SHOPS.fact", "SHOPS.fact - SHOPS.fact")
    report = check_plugin("tea", project.golden)
    assert report.status(Check.REACHABLE) is Status.FAILED
    report = check_plugin("tea", project.golden, excused=(Check.REACHABLE,))
    assert report.status(Check.REACHABLE) is Status.WARNED


def test_a_rule_that_a_golden_case_shows_deciding_need_not_be_found(project: Project) -> None:
    # It holds for one amount only, which is a third of what is written here.
    away = "(host.AMOUNT_365D * 3 - 37_037_031)"
    project.change(
        CUSTOMERS,
        "host.AMOUNT_365D // SHOPS.fact",
        f"{away} * {away} * -1_000_000_000 + 2_000_000",
    )
    report = check_plugin("tea", project.golden)
    assert "the rule 'strong-shops' decides" in _said(report, Check.REACHABLE)
    project.change("golden.yaml", "29_999_999, shops: 10", "12_345_677, shops: 10")
    report = check_plugin("tea", project.golden)
    assert report.status(Check.REACHABLE) is Status.PASSED, report


def test_a_plugin_whose_name_yaml_reads_as_no_text_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "off", "")
    use(monkeypatch, tmp_path)
    said = _said(check_plugin("off"), Check.LOADS)
    assert said.startswith("its name 'off': YAML reads it as False, which is no text")


def test_a_plugin_that_is_not_there_is_not_there() -> None:
    report = check_plugin("nowhere")
    assert _said(report, Check.LOADS) == "the plugin 'nowhere' is not installed"
    assert report.status(Check.RULES) is Status.SKIPPED


def test_an_engine_that_decides_otherwise_than_plain_python_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared = next(item for item in STANDARD.policies if item.policy == "lifecycle")
    compiled = CompiledPolicy(declared, STANDARD, STANDARD.settings())
    values = compiled.values({})
    assert list(differing(compiled, dict(values))) == []
    (table,) = compiled.tables
    monkeypatch.setattr(table, "decide", lambda _: (table.rules[-1],))
    (found,) = differing(compiled, dict(values))
    assert found == "lifecycle: the rule engine says ['active'], plain Python ['never-ordered']"
    compiled.close()


def test_columns_that_decide_otherwise_than_one_by_one_are_found_out() -> None:
    declared = next(item for item in STANDARD.policies if item.policy == "lifecycle")
    settings = STANDARD.settings()
    compiled = CompiledPolicy(declared, STANDARD, settings)
    made = list(MadeUp(compiled, STANDARD, settings).some(20))
    moment = Moment(0, Calendar())
    alone = [decided(compiled, facts, moment) for facts in made]
    assert list(unlike_columns(compiled, settings, made, alone, moment)) == []
    alone[3] = "otherwise"
    (found,) = unlike_columns(compiled, settings, made, alone, moment)
    assert found.startswith("lifecycle: alone otherwise, in columns ")
    compiled.close()
