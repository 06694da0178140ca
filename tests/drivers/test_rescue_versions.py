import numpy as np
import pytest

from drivers.symbols.rescue.finders import Fitted, fitted
from drivers.symbols.rescue.layout import VERSIONS, side_of
from drivers.symbols.rescue.triples import triples_of
from drivers.symbols.rescue.versions import version_scores
from tests.drivers.rescue_scenes import Pose, Scene, scene_of


def best_version(scene: Scene, pose: Pose, sign: int) -> int:
    sine, cosine = np.sin(pose.turn), np.cos(pose.turn)
    frames = np.tile(np.array([[cosine, -sine], [sine, cosine]]) * pose.module_px, (3, 1, 1))
    found = fitted(scene.luma, Fitted(scene.centres, frames, np.zeros(3)), np.full(3, sign), 6)
    return int(np.argmax(version_scores(scene.luma, triples_of(found, 1)[0], sign))) + VERSIONS[0]


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_is_told(version: int) -> None:
    middle = 30 + 1.25 * side_of(version)
    pose = Pose(module_px=2.5, at=(middle, middle))

    assert best_version(scene_of(version, pose, size=(round(2 * middle),) * 2), pose, 1) == version


@pytest.mark.parametrize("version", [1, 4, 6, 7, 18])
@pytest.mark.parametrize(
    "pose", [Pose(turn=1.0), Pose(turn=2.2, tilt=0.4), Pose(bend=0.4)], ids=["turned", "tilted", "bent"]
)
def test_a_version_is_told_however_the_code_is_held(version: int, pose: Pose) -> None:
    assert best_version(scene_of(version, pose), pose, 1) == version


@pytest.mark.parametrize("version", [2, 12])
def test_a_version_is_told_of_an_inverted_code(version: int) -> None:
    assert best_version(scene_of(version, Pose(), inverted=True), Pose(), -1) == version


def test_a_flat_picture_has_scores_too() -> None:
    scene = scene_of(7, Pose())
    triple = triples_of(Fitted(scene.centres, np.tile(np.eye(2) * 3, (3, 1, 1)), np.ones(3)), 1)[0]

    assert np.isfinite(version_scores(np.zeros((480, 640), np.uint8), triple, 1)).all()
