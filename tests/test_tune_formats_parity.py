"""What a comparison of an export with the engine found, in words."""

from fencun.tune.formats.parity import parity_words


def test_what_parity_found_is_a_sentence() -> None:
    reading = {"first_token": 1.0, "gap": 0.0213}
    found = {"prompts": 5, "changed": 0.8, "readings": {"peft": reading}, "holds": True}
    zh, en = parity_words(found)
    assert zh.startswith("核对通过：5 个需求，适配器改变了其中 80% 的回答")
    assert zh.endswith("首词一致 100%，每词平均差 0.021 奈特。")
    assert "{" not in zh + en
    assert parity_words({**found, "holds": False})[1].startswith("Parity fails")
