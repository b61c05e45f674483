"""Products with frozen weights in 8-bit integers are close, and so are their gradients."""

import torch

from fencun.tune.forward.frozen import Int8, Plain, Widened, frozen


def test_int8_products_are_close_and_independent_of_their_neighbours() -> None:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(96, 64, generator=generator) / 8
    x = torch.randn(10, 64, generator=generator)
    x[3] *= 1000  # an outlier row must not cost the others their resolution
    product = Int8(lambda: weight, torch.ones(96))
    exact = Plain(weight, torch.ones(96))(x)
    error = (product(x) - exact).norm(dim=1) / exact.norm(dim=1)
    assert error.max() < 0.03
    assert torch.equal(product(x)[4], product(x[4:5])[0])


def test_int8_leaves_the_rows_it_is_told_to_exact() -> None:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(96, 64, generator=generator) / 8
    x = torch.randn(10, 64, generator=generator)
    got = Int8(lambda: weight)(x, exact=3)
    exact = Plain(weight)(x)
    assert torch.allclose(got[:3], exact[:3], atol=1e-6)
    assert torch.equal(got[3:], Int8(lambda: weight)(x)[3:])
    assert not torch.allclose(got[3:], exact[3:], atol=1e-4)
    assert Int8(lambda: weight)(x[:3], exact=3).shape == (3, 96)


def test_int8_gradient_of_the_input_is_close_to_the_exact_one() -> None:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(96, 64, generator=generator) / 8
    x = torch.randn(5, 64, generator=generator, requires_grad=True)
    coming = torch.randn(5, 96, generator=generator)
    Int8(lambda: weight)(x).backward(coming)
    assert x.grad is not None
    exact = coming @ weight
    assert torch.nn.functional.cosine_similarity(x.grad.flatten(), exact.flatten(), 0) > 0.999


def test_a_weight_widened_as_it_is_used_gives_the_bytes_of_one_that_is_held() -> None:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(96, 64, generator=generator).bfloat16()
    bias, coming = torch.randn(96, generator=generator), torch.randn(5, 96, generator=generator)
    x = torch.randn(5, 64, generator=generator, requires_grad=True)
    widened = Widened(lambda: weight, bias)(x)
    held = Plain(weight.float(), bias)(x)
    assert torch.equal(widened, held)
    assert torch.equal(*(torch.autograd.grad(y, x, coming)[0] for y in (widened, held)))


def test_a_weight_is_widened_where_it_is_narrower_than_what_is_computed_in() -> None:
    read = torch.zeros(4, 4, dtype=torch.bfloat16).clone
    assert isinstance(frozen(read, int8=False, dtype=torch.float32), Widened)
    assert isinstance(frozen(read, int8=False, dtype=torch.bfloat16), Plain)
    assert isinstance(frozen(read, int8=True, dtype=torch.float32), Int8)
