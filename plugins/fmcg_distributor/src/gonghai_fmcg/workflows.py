"""What is done in turn with a trade customer: onboarding, win-back, complaints."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import Text, setting
from gonghai_plugin import host_facts as host
from gonghai_plugin.usual_workflows import Beginning, complaint, onboarding, win_back

ONBOARDING: Final = onboarding(
    Beginning(
        host.STAGE.equals("potential"),
        Text("it was found and has not ordered yet", "新开发，尚未下单"),
    ),
    settled=host.STAGE.equals("active"),
    fallen_away=host.STAGE.is_one_of(("dormant", "lost")),
    welcome=Text("visit it, show the range and the terms", "上门拜访，介绍品类与政策"),
    welcome_days=setting("workflows.welcome_days"),
    next_step=Text("agree the first order and the display", "落实首单与陈列"),
)

WIN_BACK: Final = win_back(
    Beginning(host.STAGE.equals("dormant"), Text("it has stopped ordering", "停止订货，转为沉睡")),
    ask_why=Text(
        "ask why orders stopped: stock, price or a competitor", "了解停单原因：库存、价格或竞品"
    ),
    ask_days=setting("workflows.ask_days"),
    offer=Text("offer a promotion that fits its channel", "按渠道给出促销方案"),
    give_up_days=setting("workflows.win_back_days"),
)

COMPLAINT: Final = complaint(
    answer=Text("answer the complaint on goods, delivery or terms", "答复货品、配送或政策投诉"),
    answer_days=setting("workflows.answer_days"),
)

WORKFLOWS: Final = (ONBOARDING, WIN_BACK, COMPLAINT)
"""Every workflow."""
