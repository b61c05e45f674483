"""What people call a gate, or a reason for refusing a text: one table for every page and report."""

from collections.abc import Mapping

from fencun.language import say

Label = tuple[str, str]  # Chinese, English

# By the name that findings carry: the gates on one text first, then those on many lines.
GATES: Mapping[str, Label] = {
    "ending": ("没写完", "unfinished"),
    "length": ("篇幅", "length"),
    "person": ("您和你", "form of address"),
    "salutation": ("称呼", "salutation"),
    "cliche": ("套话", "clichés"),
    "copying": ("照抄细节", "copied detail"),
    "calendar": ("年份生肖", "calendar"),
    "tact": ("点破", "tactless"),
    "facts": ("编了事", "made-up facts"),
    "shape": ("格式", "shape"),
    "leak": ("夹带", "leaks"),
    "repetition": ("重复", "repetition"),
    "favour": ("求人", "asking favours"),
    "rule": ("场景的规矩", "the scenario's rule"),
    "borrowed": ("别人的事", "borrowed fact"),
    "near": ("几乎一样", "near-duplicate"),
    "overlap": ("和别条太像", "too like another"),
    "semantic": ("同一个意思", "same meaning"),
    "openings": ("开头太多", "common opening"),
    "endings": ("结尾太多", "common ending"),
    "spare": ("格子满了", "cell is full"),
    "record": ("读不了", "unreadable"),
    "form": ("不是 JSON", "not JSON"),
    "plan": ("不合计划", "not as planned"),
    "privacy": ("隐私", "private data"),
}

# What people tap to say why a text will not do. What a gate finds too has the gate's label.
REASONS: Mapping[str, Label] = {
    "cliche": GATES["cliche"],
    "greasy": ("油腻", "greasy"),
    "misfit": ("不合身份", "wrong for who they are"),
    "long": ("太长", "too long"),
    "invented": GATES["facts"],
    "exposed": GATES["tact"],
    "unlike": ("不像人说的话", "nobody talks like that"),
    "copied": GATES["copying"],
    "alike": GATES["overlap"],
}


def gate_label(name: str) -> str:
    """Return what people call the gate ``name``; the name itself where it is a new one."""
    return say(*GATES[name]) if name in GATES else name
