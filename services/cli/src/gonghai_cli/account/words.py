"""The words of the account, in English and in Chinese."""

from __future__ import annotations

from typing import Final

from gonghai_cli.language import Language

_WORDS: Final[dict[str, tuple[str, str]]] = {
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
    """Return a word of the account, with figures put in."""
    english, chinese = _WORDS[key]
    return (chinese if language is Language.ZH else english).format(**figures)
