"""The workflows that most trades have: onboarding, win-back, complaints.

A trade says when they begin and end and what people do; the course is the same everywhere. One
that goes another way is declared with `gonghai_plugin.workflows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_plugin import host_facts as host
from gonghai_plugin.texts import Text
from gonghai_plugin.workflows import (
    After,
    Becomes,
    Happens,
    MakeTask,
    RaiseEvent,
    Release,
    State,
    Transition,
    Workflow,
)

if TYPE_CHECKING:
    from gonghai_plugin.conditions import Condition
    from gonghai_plugin.outcomes import Whole

_CONTACT: Final = ("follow_up", "visit")
_REACHED: Final = host.ACTIVITY_OUTCOME.is_one_of(("reached", "interested", "ordered"))
_SPOKEN_TO: Final = Happens(_CONTACT, _REACHED)
_NEXT_DAYS: Final = 7
"""Within how many days the second step is to be done, once the first has been."""

_QUIET_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Beginning:
    """When an instance begins: what then holds of the customer, and why, in the trade's words."""

    when: Condition
    because: Text


def onboarding(
    begins: Beginning,
    *,
    settled: Condition,
    fallen_away: Condition,
    welcome: Text,
    welcome_days: Whole,
    next_step: Text,
) -> Workflow:
    """Welcome a new customer, see him to his next orders, and notice when he falls away.

    ``welcome`` is the first task, due in ``welcome_days``; ``next_step`` is due in a week after
    somebody has spoken to him.
    """
    return Workflow(
        "onboarding",
        Text("Onboarding", "新客户引导"),
        states=(
            State("welcome", Text("To be welcomed", "待欢迎")),
            State("getting_started", Text("Getting started", "引导中")),
            State("settled", Text("Orders by itself", "已稳定"), final=True),
            State("fell_away", Text("Fell away", "中途流失"), final=True),
        ),
        transitions=(
            Transition(
                "joins",
                (),
                "welcome",
                Becomes(begins.when),
                begins.because,
                (MakeTask(welcome, welcome_days),),
            ),
            Transition(
                "welcomed",
                ("welcome",),
                "getting_started",
                _SPOKEN_TO,
                Text("somebody has spoken to it", "已联系上"),
                (MakeTask(next_step, _NEXT_DAYS),),
            ),
            Transition(
                "settles",
                ("welcome", "getting_started"),
                "settled",
                Becomes(settled),
                Text("it orders by itself", "已自行订货"),
                (RaiseEvent("onboarded"),),
            ),
            Transition(
                "falls-away",
                ("welcome", "getting_started"),
                "fell_away",
                Becomes(fallen_away),
                Text("it has stopped before it began", "尚未稳定即停止订货"),
            ),
        ),
    )


def win_back(
    begins: Beginning,
    *,
    ask_why: Text,
    ask_days: Whole,
    offer: Text,
    give_up_days: Whole,
) -> Workflow:
    """Ask a customer who stopped ordering why, make an offer, and give him back in the end.

    An order wins him back at any time; after ``give_up_days`` in one state he goes to a pool.
    """
    return Workflow(
        "win_back",
        Text("Win-back", "沉睡唤醒"),
        states=(
            State("to_ask", Text("To be asked why", "待了解原因")),
            State("offered", Text("Has an offer", "已给方案")),
            State("won_back", Text("Won back", "已唤醒"), final=True),
            State("given_up", Text("Given up", "唤醒失败"), final=True),
        ),
        transitions=(
            Transition(
                "falls-asleep",
                (),
                "to_ask",
                Becomes(begins.when),
                begins.because,
                (MakeTask(ask_why, ask_days),),
            ),
            Transition(
                "orders-again",
                ("to_ask", "offered"),
                "won_back",
                Happens(("purchase",)),
                Text("it orders again", "恢复订货"),
                (RaiseEvent("won-back"),),
            ),
            Transition(
                "tells-why",
                ("to_ask",),
                "offered",
                _SPOKEN_TO,
                Text("it has said why", "已说明原因"),
                (MakeTask(offer, _NEXT_DAYS),),
            ),
            Transition(
                "stays-away",
                ("to_ask", "offered"),
                "given_up",
                After(give_up_days),
                Text("it did not come back in time", "限期内未恢复订货"),
                (Release(Text("win-back failed", "唤醒失败")),),
            ),
        ),
    )


def complaint(*, answer: Text, answer_days: Whole) -> Workflow:
    """Have a complaint answered in time, tell others when it is not, and ask afterwards."""
    return Workflow(
        "complaint",
        Text("Complaint handling", "投诉处理"),
        states=(
            State("open", Text("Open", "待处理")),
            State("answered", Text("Answered", "已答复")),
            State("closed", Text("Closed", "已关闭"), final=True),
        ),
        transitions=(
            Transition(
                "complains",
                (),
                "open",
                Becomes(host.COMPLAINTS_90D.at_least(1)),
                Text("it complains", "客户投诉"),
                (MakeTask(answer, answer_days),),
            ),
            Transition(
                "answered",
                ("open",),
                "answered",
                _SPOKEN_TO,
                Text("it was answered", "已答复客户"),
                (MakeTask(Text("ask whether it is content", "回访确认是否满意"), _NEXT_DAYS),),
            ),
            Transition(
                "overdue",
                ("open",),
                "open",
                After(answer_days),
                Text("nobody has answered in time", "超时未答复"),
                (RaiseEvent("complaint-overdue"),),
            ),
            Transition(
                "content",
                ("answered",),
                "closed",
                Happens((*_CONTACT, "purchase")),
                Text("it goes on with us", "确认满意或继续订货"),
            ),
            Transition(
                "quiet",
                ("answered",),
                "closed",
                After(_QUIET_DAYS),
                Text("nothing was heard of it since", "此后未再反映"),
            ),
        ),
    )
