"""Files of the kinds that archives hold, made so that the truth about them is known."""

from benchmarks.material.field.case import Case, Truth
from benchmarks.material.field.clocks import CASES as CLOCKS
from benchmarks.material.field.facts import CASES as FACTS
from benchmarks.material.field.images import CASES as IMAGES
from benchmarks.material.field.sounds import CASES as SOUNDS
from benchmarks.material.field.studio import Studio

SUBJECTS = {"clock": CLOCKS, "audio": SOUNDS, "images": IMAGES, "metadata": FACTS}
CASES = tuple(case for cases in SUBJECTS.values() for case in cases)

__all__ = ["CASES", "SUBJECTS", "Case", "Studio", "Truth"]
