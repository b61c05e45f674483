"""What tests of drafting share: real-looking messages, and what a model might say of them."""

import json
from collections.abc import Sequence

from fencun.models.engine import Decoding, Message

_THINGS = (
    "洗衣机漏水", "杯子裂了", "面坨了", "快递晚了三天", "鞋子开胶", "灯不亮", "锅把手松",
    "纸箱压扁", "尺码偏小", "颜色不对", "少了一包酱", "充电线断了", "说明书看不懂", "门铃没声",
    "袜子起球", "奶盖化了", "书页折了", "电池不耐用", "被子掉毛", "耳机只响一边", "退款还没到",
    "雨伞翻了",
)  # fmt: skip
MESSAGES = [f"给您带来不便十分抱歉，{thing}这件事我们今天就处理，请放心。" for thing in _THINGS]


def answer(chat: Sequence[Message], _: Decoding) -> str:
    """What a model might say: some of it true, some invented, some beside the point."""
    asked = chat[-1]["content"]
    if "会变的" in asked:
        items = [
            {"name": "Remedy", "label": "怎么处理", "options": ["今天", "明天"]},
            {"label": "空"},
        ]
        return f"好的：```json\n{json.dumps({'items': items}, ensure_ascii=False)}\n```"
    if "套话" in asked:
        items = [{"text": "十分抱歉"}, {"text": "竭诚为您服务"}]
        return json.dumps({"items": items}, ensure_ascii=False)
    words = {"name": "退款", "words": ["退款", "离婚"]}
    return json.dumps({"items": [words]}, ensure_ascii=False)
