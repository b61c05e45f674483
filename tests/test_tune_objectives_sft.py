"""Supervised fine-tuning learns from the samples that suit."""

from run_case import read

from fencun.tune.config import TuneConfig


def test_only_the_plainest_share_is_trained_on(config: TuneConfig) -> None:
    assert len(read(config).examples.training) == 24
    kept = read(config.replaced(plain=0.01)).examples.training
    assert len(kept) == len({example.stratum for example in kept}) == 24
