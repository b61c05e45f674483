"""What tests of the forward pass share: an example made of token ids."""

from fencun.tune.examples import TrainingExample


def example_of(prompt: list[int], answer: list[int]) -> TrainingExample:
    return TrainingExample("x", "f", "s", tuple(prompt), tuple(answer), "")
