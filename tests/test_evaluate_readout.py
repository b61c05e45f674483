"""What reads say: shares with their intervals, and how far readers agree."""

from pathlib import Path

import numpy as np
from reading_case import ASKED, gates, good, lines_of, taken

from fencun.evaluate.reading import read_reads
from fencun.evaluate.readout import report, share_of
from fencun.evaluate.sheet import write_sheet
from fencun.evaluate.texts import gather
from fencun.files import write_jsonl
from fencun.scenario import Scenario


def test_a_report_counts_texts_first_ones_and_threes(laid: Path) -> None:
    reads = taken(laid, [good(line) for line in lines_of(laid)])
    found = report(reads, ["一句话", "短", "中", "长"])
    assert list(found["kinds"]) == ["ai"]
    tuned, rag = (found["kinds"]["ai"]["arms"][arm] for arm in ("tuned", "rag"))
    assert (tuned["single"]["total"], tuned["single"]["share"]) == (6, 0.5)
    assert (tuned["first"]["total"], tuned["first"]["share"]) == (2, 0.5)
    assert (tuned["one_of_three"]["total"], tuned["one_of_three"]["share"]) == (2, 0.5)
    assert (rag["first"]["share"], rag["single"]["share"], rag["one_of_three"]) == (1.0, 0.5, None)
    assert list(tuned["lengths"]) == ["短", "中"]
    assert [tuned["lengths"][le]["single"]["share"] for le in ("短", "中")] == [1.0, 0.0]
    assert (tuned["sensitive"]["single"]["total"], tuned["named"]["share"]) == (3, 1.0)
    assert tuned["faults"] == {"named": {"count": 3, "share": 1.0}}


def test_a_verifier_is_held_against_what_was_read(tmp_path: Path, scenario: Scenario) -> None:
    path, sheet = tmp_path / "out.jsonl", tmp_path / "sheet.jsonl"
    told = {"甲一。": 0.9, "甲二。": 0.4, "乙一。": 0.5, "乙二。": 0.1, "乙三。": None}
    candidates = [gates(text) | {"sendable": value} for text, value in told.items()]
    write_jsonl(path, [{"id": "1", **ASKED, "arm": "tuned", "candidates": candidates}])
    write_sheet(sheet, scenario, gather(scenario, [("", path)]).texts)
    assert "sendable" not in sheet.read_text(encoding="utf-8")
    arms = report(taken(sheet, [good(line) for line in lines_of(sheet)]))["kinds"]["ai"]["arms"]
    assert arms["tuned"]["verifier"] == {"auc": 0.75, "fit": 2, "unfit": 2}


def test_agreement_with_oneself_and_with_another(laid: Path) -> None:
    lines = lines_of(laid)
    taken(laid, [good(line) for line in lines])
    other = [good(line) for line in lines]
    for row, line in zip(other, lines, strict=True):
        if line["text"] == "甲一。甲二！":
            row.update(grade=1, reason="cold", where=2)
    taken(laid, other, reader="吴", kind="person")
    found = report(read_reads([laid.with_name("reads.jsonl")]))
    steady = found["readers"][0]
    assert steady["twice"]["pairs"] == len(lines) - 7
    assert steady["twice"]["same_grade"] == 1.0
    assert (found["agreement"]["pairs"], found["agreement"]["same_send"]) == (7, 6 / 7)
    assert 0 < found["agreement"]["alpha_send"]["value"] < 1
    shares = [found["kinds"][k]["arms"]["tuned"]["single"]["share"] for k in ("person", "ai")]
    assert shares == [2 / 6, 3 / 6]


def test_texts_of_one_brief_count_less_than_as_many_briefs() -> None:
    alike = share_of((str(brief), float(brief % 2)) for brief in range(20) for _ in range(5))
    apart = share_of((str(brief), float(brief % 2)) for brief in range(100))
    assert alike.share == apart.share == 0.5
    assert alike.high is not None
    assert apart.high is not None
    assert alike.high - 0.5 > 2 * (apart.high - 0.5)
    none = share_of((str(brief), 0.0) for brief in range(20) for _ in range(5))
    assert none.low == 0.0
    assert none.high is not None
    assert 0.1 < none.high < 0.25


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(4)
    held = 0
    for _ in range(400):
        chance = random.beta(0.5, 2.0, size=60)  # briefs differ much; 20 % in the mean
        said = random.random((60, 3)) < chance[:, None]
        found = share_of((str(b), float(v)) for b, row in enumerate(said) for v in row)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.2 <= found.high
    assert held >= 0.92 * 400
