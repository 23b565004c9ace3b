"""What the doctor says, in English and in Chinese."""

from __future__ import annotations

from typing import Final

from gonghai_cli.language import Language

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "services": ("Services", "服务"),
    "service": ("service", "服务"),
    "partition": ("partition", "分区"),
    "partitions": ("partitions", "分区数"),
    "state": ("state", "状态"),
    "up": ("up", "正常"),
    "away": ("away: {why}", "无法访问：{why}"),
    "lag": ("not taken in", "未处理事件"),
    "due": ("due work", "到期任务"),
    "intents": ("open calls", "未完成调用"),
    "quarantined": ("quarantined", "隔离对象"),
    "store": ("Store settings that break promises", "存储配置问题"),
    "troubled": ("Partitions that need a look", "需要检查的分区"),
    "nobody": ("nobody works there", "无副本处理"),
    "overdue": ("{count} due, the oldest for {age}", "{count} 项到期，最早已逾期 {age}"),
    "in_quarantine": (
        "{count} subjects of {source} in quarantine",
        "来自 {source} 的 {count} 个对象被隔离",
    ),
    "projections": ("Projections against their sources", "投影与来源比对"),
    "keeps": ("{service} keeps of {source}", "{service} 保存的 {source} 数据"),
    "compared": ("compared", "已比对"),
    "differences": ("differences", "差异"),
    "behind": ("cannot be compared", "无法比对"),
    "repaired": ("made anew", "已重建"),
    "which": ("Which differ", "差异明细"),
    "kind": ("kind", "类型"),
    "subject": ("subject", "对象"),
    "cause": ("what", "差异"),
    "versions": ("source / kept", "来源/投影版本"),
    "audit": ("Records against each other", "记录自检"),
    "audited": ("records", "记录数"),
    "findings": ("findings", "问题"),
    "more": ("… and {count} more", "……另有 {count} 条"),
    "none": ("none", "无"),
    "healthy": ("Healthy.", "一切正常。"),
    "ill": ("There are findings.", "发现问题。"),
    "hint": (
        "`gonghai doctor --repair` makes the projections that differ, or wait in quarantine, anew.",
        "`gonghai doctor --repair` 会重建有差异或有隔离事件的投影。",
    ),
    "cannot_look": ("Not everything could be looked at.", "部分服务无法检查。"),
    "MISSING": ("missing", "缺失"),
    "LEFT_OVER": ("left over", "多余"),
    "VERSION": ("version", "版本不一致"),
    "CONTENT": ("content", "内容不一致"),
    "QUARANTINED": ("quarantined", "已隔离"),
}


def word(key: str, language: Language, **figures: object) -> str:
    """Return what is said in the language, with figures put in."""
    english, chinese = _WORDS[key]
    return (chinese if language is Language.ZH else english).format(**figures)
