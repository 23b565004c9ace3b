"""The callers' guide lists every reason that the contract knows, as the contract explains it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
CONTRACT: Final = ROOT / "proto/gonghai/errors/v1/errors.proto"
GUIDE: Final = ROOT / "docs/callers.md"

REASON: Final = re.compile(r"((?:^  //.*\n)+)  ERROR_REASON_(\w+) = ([1-9]\d*);", re.MULTILINE)
ROW: Final = re.compile(r"^\| `[A-Z_]+` \| [A-Z_]+ \| .* \|$", re.MULTILINE)
NOWHERE: Final = "–"


def rows(contract: str) -> list[str]:
    """Write the guide's table from the comments of the contract, one row a reason."""
    return [_row(name, _joined(comment)) for comment, name, _ in REASON.findall(contract)]


def _row(reason: str, comment: str) -> str:
    code, _, rest = comment.partition(". ")
    says, detail = _split(rest, "Detail: ")
    says, metadata = _split(says, "Metadata: ")
    return f"| `{reason}` | {code} | {says} | {metadata} | {detail} |"


def _split(text: str, word: str) -> tuple[str, str]:
    """Take what stands after a word, up to the end or the example, out of a text."""
    before, found, after = text.partition(word)
    after = after.partition(" Example: ")[0]
    return before.strip(), after.strip().removesuffix(".") if found else NOWHERE


def _joined(comment: str) -> str:
    return " ".join(line.strip().removeprefix("//").strip() for line in comment.splitlines())


def test_guide_and_contract_agree() -> None:
    written = rows(CONTRACT.read_text("utf-8"))
    assert ROW.findall(GUIDE.read_text("utf-8")) == written


def test_every_reason_has_a_row() -> None:
    text = CONTRACT.read_text("utf-8")
    names = re.findall(r"^  ERROR_REASON_(\w+) = [1-9]", text, re.MULTILINE)
    assert [row.split("`")[1] for row in rows(text)] == names
