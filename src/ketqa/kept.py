"""The models that a build keeps: compiled into it, or shared with the build in use."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from ketqa.compiled import CompiledEncoder, load_encoder
from ketqa.cross import save_cross
from ketqa.encode import Encoder
from ketqa.manifest import CROSS, ENCODER, Recipe
from ketqa.models import ModelFolder
from ketqa.parts import share


@dataclass(frozen=True, slots=True)
class Before:
    """The build in use, and its recipe."""

    build: Path
    recipe: Recipe

    def shares(self, folder: str, build: Path, recipe: Recipe) -> bool:
        """Let a new build have a compiled model, if that was made by the same runtime."""
        same = self.recipe.libraries["openvino"] == recipe.libraries["openvino"]
        if same and (self.build / folder).exists():
            shutil.copytree(self.build / folder, build / folder, copy_function=share)
            return True
        return False


def keep_encoder(model: ModelFolder, recipe: Recipe, build: Path, before: Before | None) -> Encoder:
    """Put a model's encoder into a build, if it can be compiled, and return it."""
    same = before and before.recipe.model_sha256 == recipe.model_sha256
    if before and same and before.shares(ENCODER, build, recipe):
        return CompiledEncoder(build / ENCODER)
    return load_encoder(model, build / ENCODER)


def keep_cross(recipe: Recipe, build: Path, before: Before | None) -> None:
    """Put the packaged cross-encoder into a build, if it can be compiled."""
    same = before and before.recipe.cross == recipe.cross
    if not (before and same and before.shares(CROSS, build, recipe)):
        save_cross(build / CROSS)
