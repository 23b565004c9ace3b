"""Names of people, put together by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

_SURNAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董"
_GIVEN: Final = (
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛",
    "明", "超", "秀英", "建国", "海燕", "志强", "晓东", "雪梅", "国华", "文博", "思远", "佳怡",
    "子轩", "雨桐", "浩然", "美玲", "俊杰", "春梅", "永康", "立新", "红霞", "宏伟", "嘉欣",
)  # fmt: skip


def person(random: Random) -> str:
    """Make the name of a person."""
    return random.choice(_SURNAMES) + random.choice(_GIVEN)
