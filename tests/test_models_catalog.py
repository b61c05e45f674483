"""The catalog that ships is whole and finds what is meant."""

import pytest
from pydantic import ValidationError

from fencun.errors import ModelError
from fencun.models.catalog import CatalogModel, catalog


def test_the_embedded_models_are_pinned_and_have_every_source() -> None:
    for name in ("qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"):
        model = catalog().models[name]
        assert model.sha256 is not None
        assert model.chunks is not None
        assert model.size is not None
        # The chunks, all full but the last, add up to the file.
        assert (model.chunks.count - 1) * model.chunks.size < model.size
        assert model.size <= model.chunks.count * model.chunks.size
    assert catalog().default in catalog().models


def test_the_qwen3_family_is_there() -> None:
    sizes = ["0.6b", "1.7b", "4b", "8b", "14b", "32b"]
    models = [catalog().models[f"qwen3-{size}"] for size in sizes]
    assert all(model.repository.startswith("Qwen/Qwen3-") for model in models)
    assert all(model.license == "Apache-2.0" for model in models)
    assert sorted(model.size or 0 for model in models) == [model.size for model in models]


def test_names_are_found_in_any_case_and_near_ones_are_told() -> None:
    assert catalog().find(" Qwen3-8B ").name == "qwen3-8b"
    with pytest.raises(ModelError, match="qwen3-8b"):
        catalog().find("qwen-8b")
    with pytest.raises(ModelError, match=r"fencun model list"):
        catalog().find("完全不像")


def test_a_file_name_cannot_leave_the_models_folder() -> None:
    raw = catalog().find("qwen3-8b").model_dump()
    with pytest.raises(ValidationError):
        CatalogModel.model_validate(raw | {"file": "../evil.gguf"})
    with pytest.raises(ValidationError):
        CatalogModel.model_validate(raw | {"sha256": "abc"})
    with pytest.raises(ValidationError):
        CatalogModel.model_validate(raw | {"extra": 1})
