"""What is done in turn with a distributor: onboarding, win-back, complaints."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import Text, setting
from gonghai_plugin import host_facts as host
from gonghai_plugin.usual_workflows import Beginning, complaint, onboarding, win_back

ONBOARDING: Final = onboarding(
    Beginning(
        host.STAGE.equals("new"), Text("it has ordered for the first time", "首次订货，新加盟")
    ),
    settled=host.STAGE.equals("active"),
    fallen_away=host.STAGE.is_one_of(("dormant", "lost")),
    welcome=Text(
        "welcome it with its sponsor and plan its training", "会同上级欢迎新加盟，安排培训"
    ),
    welcome_days=setting("workflows.welcome_days"),
    next_step=Text("train its people on the products", "产品与陈列培训"),
)

WIN_BACK: Final = win_back(
    Beginning(host.STAGE.equals("dormant"), Text("it has stopped ordering", "停止订货，转为沉睡")),
    ask_why=Text("ask it and its sponsor why orders stopped", "向该分销商及其上级了解停订原因"),
    ask_days=setting("workflows.ask_days"),
    offer=Text("agree an offer with its sponsor", "与上级商定激活方案"),
    give_up_days=setting("workflows.win_back_days"),
)

COMPLAINT: Final = complaint(
    answer=Text("answer the complaint; tell its sponsor", "答复投诉并知会上级"),
    answer_days=setting("workflows.answer_days"),
)

WORKFLOWS: Final = (ONBOARDING, WIN_BACK, COMPLAINT)
"""Every workflow."""
