"""What is done in turn with a buyer of aquatic products: onboarding, win-back, complaints."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import Text, setting
from gonghai_plugin import host_facts as host
from gonghai_plugin.usual_workflows import Beginning, complaint, onboarding, win_back

ONBOARDING: Final = onboarding(
    Beginning(host.STAGE.equals("new"), Text("it has bought for the first time", "首次采购")),
    settled=host.STAGE.is_one_of(("active", "loyal")),
    fallen_away=host.STAGE.is_one_of(("dormant", "churned")),
    welcome=Text("ask whether the first delivery arrived cold and whole", "回访首批到货温度与品相"),
    welcome_days=setting("workflows.welcome_days"),
    next_step=Text("note species, sizes and delivery days it wants", "记录所需品种、规格与送货日"),
)

WIN_BACK: Final = win_back(
    Beginning(host.STAGE.equals("dormant"), Text("it has stopped ordering", "停止订货，转为沉睡")),
    ask_why=Text(
        "ask why it stopped: price, quality, season or another supplier",
        "了解停采原因：价格、品质、季节或换供应商",
    ),
    ask_days=setting("workflows.ask_days"),
    offer=Text("offer the species it used to buy at the season's price", "按常购品种给出当季报价"),
    give_up_days=setting("workflows.win_back_days"),
)

COMPLAINT: Final = complaint(
    answer=Text("answer the complaint; settle spoiled goods", "答复投诉，处理变质损耗"),
    answer_days=setting("workflows.answer_days"),
)

WORKFLOWS: Final = (ONBOARDING, WIN_BACK, COMPLAINT)
"""Every workflow."""
