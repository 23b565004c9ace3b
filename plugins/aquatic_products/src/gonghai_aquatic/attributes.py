"""What a seafood business keeps of its customers beyond the common profile."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import TEXT, Attribute, Text, set_of, text_of

BUSINESSES: Final = {
    "farm": Text("Farm", "养殖"),
    "wholesale": Text("Wholesale market", "批发"),
    "restaurant": Text("Restaurant", "餐饮"),
    "processor": Text("Processor", "加工"),
    "retail": Text("Retail", "零售"),
}
SPECIES: Final = {
    "large_yellow_croaker": Text("Large yellow croaker", "大黄鱼"),
    "small_yellow_croaker": Text("Small yellow croaker", "小黄鱼"),
    "hairtail": Text("Hairtail", "带鱼"),
    "pomfret": Text("Pomfret", "鲳鱼"),
    "spanish_mackerel": Text("Spanish mackerel", "鲅鱼"),
    "swimming_crab": Text("Swimming crab", "梭子蟹"),
    "mantis_shrimp": Text("Mantis shrimp", "皮皮虾"),
    "squid": Text("Squid", "鱿鱼"),
    "octopus": Text("Octopus", "八爪鱼"),
    "whiteleg_shrimp": Text("Whiteleg shrimp", "南美白对虾"),
    "grouper": Text("Grouper", "石斑鱼"),
    "turbot": Text("Turbot", "多宝鱼"),
    "sea_bass": Text("Sea bass", "海鲈鱼"),
    "grass_carp": Text("Grass carp", "草鱼"),
    "crayfish": Text("Crayfish", "小龙虾"),
    "oyster": Text("Oyster", "生蚝"),
    "scallop": Text("Scallop", "扇贝"),
    "abalone": Text("Abalone", "鲍鱼"),
    "sea_cucumber": Text("Sea cucumber", "海参"),
    "salmon": Text("Salmon", "三文鱼"),
}
"""Products' categories are named after these, so that who buys a species can be listed."""

FORMS: Final = {
    "live": Text("Live", "鲜活"),
    "chilled": Text("Chilled", "冰鲜"),
    "frozen": Text("Frozen", "冷冻"),
    "processed": Text("Processed", "加工品"),
}
COLD_CHAINS: Final = {
    "none": Text("None", "无"),
    "ice": Text("Ice only", "加冰保鲜"),
    "chilled_store": Text("Chilled store", "冷藏库"),
    "cold_store": Text("Cold store", "冷冻库"),
    "full": Text("Whole chain with own trucks", "全程冷链自有车"),
}
TEMPERATURES: Final = {
    "seawater": Text("Live in sea water", "海水活养"),
    "chilled": Text("0 to 4 °C", "冰鲜0~4℃"),
    "frozen": Text("-18 °C", "冷冻-18℃"),
    "deep_frozen": Text("-60 °C", "超低温-60℃"),
}
SEA_AREAS: Final = {
    "north_of_35": Text("Bohai and Yellow Sea north of 35° N", "渤海、黄海（北纬35°以北）"),
    "between_35_and_26_30": Text(
        "Yellow and East China Sea, 35° N to 26°30′ N", "黄海、东海（北纬35°至26°30′）"
    ),
    "south_of_26_30": Text(
        "East and South China Sea south of 26°30′ N", "东海、南海（北纬26°30′以南）"
    ),
}
SUPPLIES: Final = {
    "wild_catch": Text("Wild catch of the sea area", "本海区捕捞"),
    "farmed": Text("Farms", "养殖"),
    "frozen_stock": Text("Freezers", "冻品库存"),
    "imported": Text("Imports", "进口"),
}
STANDINGS: Final = {
    "leading": Text("Leading", "龙头"),
    "known": Text("Known", "知名"),
    "small": Text("Small", "一般"),
}
OUTLOOKS: Final = {
    "growing": Text("Growing", "扩张"),
    "steady": Text("Steady", "平稳"),
    "shrinking": Text("Shrinking", "收缩"),
}

BUSINESS: Final = Attribute(
    "business",
    text_of(*BUSINESSES),
    Text("kind of business", "经营业态"),
    required=True,
    value_labels=BUSINESSES,
)
SPECIES_SET: Final = Attribute(
    "species", set_of(*SPECIES), Text("species it buys", "需求品种"), value_labels=SPECIES
)
FORM_SET: Final = Attribute(
    "product_forms", set_of(*FORMS), Text("product forms", "产品形态"), value_labels=FORMS
)
COLD_CHAIN: Final = Attribute(
    "cold_chain",
    text_of(*COLD_CHAINS),
    Text("cold-chain ability", "冷链能力"),
    value_labels=COLD_CHAINS,
)
TEMPERATURE: Final = Attribute(
    "temperature_band",
    text_of(*TEMPERATURES),
    Text("temperature band of deliveries", "温区要求"),
    value_labels=TEMPERATURES,
)
SEA_AREA: Final = Attribute(
    "sea_area",
    text_of(*SEA_AREAS),
    Text("sea area its catch comes from", "货源海区"),
    value_labels=SEA_AREAS,
)
SUPPLY: Final = Attribute(
    "supply",
    text_of(*SUPPLIES),
    Text("what it lives on mostly", "主要货源"),
    value_labels=SUPPLIES,
)
STANDING: Final = Attribute(
    "standing",
    text_of(*STANDINGS),
    Text("standing in its trade", "行业地位"),
    value_labels=STANDINGS,
)
OUTLOOK: Final = Attribute(
    "outlook", text_of(*OUTLOOKS), Text("outlook", "发展前景"), value_labels=OUTLOOKS
)
SPECIAL_REQUIREMENTS: Final = Attribute(
    "special_requirements",
    TEXT,
    Text("special requirements: size, packing, quarantine papers", "特殊要求：规格、包装、检疫证"),
    maximum=500,
)

ATTRIBUTES: Final = (
    BUSINESS,
    SPECIES_SET,
    FORM_SET,
    COLD_CHAIN,
    TEMPERATURE,
    SEA_AREA,
    SUPPLY,
    STANDING,
    OUTLOOK,
    SPECIAL_REQUIREMENTS,
)
"""Every attribute, as it is shown."""
