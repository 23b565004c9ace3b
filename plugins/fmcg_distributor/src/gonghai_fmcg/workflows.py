"""What is done in turn with a trade customer: onboarding, win-back, complaints."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import Text, setting
from gonghai_plugin import host_facts as host
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

_CONTACT: Final = ("follow_up", "visit")
_REACHED: Final = host.ACTIVITY_OUTCOME.is_one_of(("reached", "interested", "ordered"))

ONBOARDING: Final = Workflow(
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
            Becomes(host.STAGE.equals("potential")),
            Text("it was found and has not ordered yet", "新开发，尚未下单"),
            (
                MakeTask(
                    Text("visit it, show the range and the terms", "上门拜访，介绍品类与政策"),
                    setting("workflows.welcome_days"),
                ),
            ),
        ),
        Transition(
            "welcomed",
            ("welcome",),
            "getting_started",
            Happens(_CONTACT, _REACHED),
            Text("somebody has spoken to it", "已联系上"),
            (MakeTask(Text("agree the first order and the display", "落实首单与陈列"), 7),),
        ),
        Transition(
            "settles",
            ("welcome", "getting_started"),
            "settled",
            Becomes(host.STAGE.equals("active")),
            Text("it orders by itself", "已自行订货"),
            (RaiseEvent("onboarded"),),
        ),
        Transition(
            "falls-away",
            ("welcome", "getting_started"),
            "fell_away",
            Becomes(host.STAGE.is_one_of(("dormant", "lost"))),
            Text("it has stopped before it began", "尚未稳定即停止订货"),
        ),
    ),
)

WIN_BACK: Final = Workflow(
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
            Becomes(host.STAGE.equals("dormant")),
            Text("it has stopped ordering", "停止订货，转为沉睡"),
            (
                MakeTask(
                    Text(
                        "ask why orders stopped: stock, price or a competitor",
                        "了解停单原因：库存、价格或竞品",
                    ),
                    setting("workflows.ask_days"),
                ),
            ),
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
            Happens(_CONTACT, _REACHED),
            Text("it has said why", "已说明原因"),
            (MakeTask(Text("offer a promotion that fits its channel", "按渠道给出促销方案"), 7),),
        ),
        Transition(
            "stays-away",
            ("to_ask", "offered"),
            "given_up",
            After(setting("workflows.win_back_days")),
            Text("it did not come back in time", "限期内未恢复订货"),
            (Release(Text("win-back failed", "唤醒失败")),),
        ),
    ),
)

COMPLAINT: Final = Workflow(
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
            (
                MakeTask(
                    Text(
                        "answer the complaint on goods, delivery or terms",
                        "答复货品、配送或政策投诉",
                    ),
                    setting("workflows.answer_days"),
                ),
            ),
        ),
        Transition(
            "answered",
            ("open",),
            "answered",
            Happens(_CONTACT, _REACHED),
            Text("it was answered", "已答复客户"),
            (MakeTask(Text("ask whether it is content", "回访确认是否满意"), 7),),
        ),
        Transition(
            "overdue",
            ("open",),
            "open",
            After(setting("workflows.answer_days")),
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
            After(30),
            Text("nothing was heard of it since", "此后未再反映"),
        ),
    ),
)

WORKFLOWS: Final = (ONBOARDING, WIN_BACK, COMPLAINT)
"""Every workflow."""
