"""What the command line says while it plays and of what came out, in English and in Chinese."""

from __future__ import annotations

from typing import Final

from gonghai_cli.language import Language

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "step_policy": ("policy", "策略"),
    "step_organisation": ("regions, teams and reps", "区域、团队与销售"),
    "step_import": ("import of customers", "导入客户"),
    "step_history": ("a year of purchases and follow-ups", "一年的采购与跟进"),
    "step_pools": ("pools, admission, assignment", "公海、入池与分配"),
    "step_days": ("virtual days", "虚拟日"),
    "step_refused": ("claims that the rules refuse", "应被拒的领取"),
    "step_account": ("account", "汇总"),
    "day": ("day {day}", "第{day}天"),
    "kept": (
        "an earlier demo's data is here: it is shown as it is",
        "已有先前演示的数据：按原样显示",
    ),
    "serving": (
        "serving; Ctrl-C ends everything, the data stays",
        "服务中；按Ctrl-C全部结束，数据保留",
    ),
    "stopping": ("stopping …", "正在停止……"),
    "tiers": ("Tiers and stages", "客户分级与生命周期"),
    "tier": ("tier", "分级"),
    "rank": ("rank", "级别分"),
    "stage": ("stage", "阶段"),
    "customers": ("customers", "客户数"),
    "amount": ("bought in 365 days", "近365天采购额"),
    "pools": ("Public pools", "公海"),
    "pool": ("pool", "公海"),
    "in_it": ("in it now", "当前客户"),
    "entered": ("entered", "进入"),
    "left": ("left", "离开"),
    "reps": ("Who holds what", "销售保有情况"),
    "rep": ("rep", "销售"),
    "holdings": ("holdings", "保有"),
    "weight": ("weight", "库容"),
    "assigned": ("assigned", "分配"),
    "claimed": ("claimed", "领取"),
    "self_sourced": ("self-sourced", "自建"),
    "transferred": ("transferred", "转移"),
    "lost": ("lost", "失去"),
    "gains": ("Who got what, and why", "客户归属及原因"),
    "customer": ("customer", "客户"),
    "how": ("how", "方式"),
    "when": ("when", "时间"),
    "why": ("why", "原因"),
    "out_of": ("took it out of {pool}", "从{pool}领取"),
    "losses": ("What was reclaimed, and why", "回收情况及原因"),
    "from": ("from", "原负责人"),
    "to": ("to", "去向"),
    "clock": ("clock", "回收规则"),
    "warned": ("warned", "提醒时间"),
    "refusals": ("What is refused, and why", "被拒领取及原因"),
    "rule": ("in the way", "限制"),
    "until": ("until", "限制至"),
    "more": ("… and {count} more", "……另有 {count} 条"),
    "none": ("none", "无"),
    "warnings": ("{count} warnings went out", "共发出 {count} 次回收提醒"),
    "now": ("The clock stands at {now}.", "当前虚拟时间：{now}。"),
    "total": ("in all", "合计"),
}


def word(key: str, language: Language, **figures: object) -> str:
    """Return what is said in the language, with figures put in."""
    english, chinese = _WORDS[key]
    return (chinese if language is Language.ZH else english).format(**figures)
