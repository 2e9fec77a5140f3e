"""The critic: tells made phrases from real ones by what musicians would name, and says what gave them away.

    features = extract(phrases)                                       float32 [N, F], one column a feature
    verdict = compare(Sample(real…), Sample(made…), tested real, tested made)
    print(verdict.table())

Boosted trees over named features (`FEATURES`: harmony, bass, line, rhythm, drums, clashes, form, touch), fitted anew to
every generator that is measured: a critic of another one calls everything else real. Real phrases to test with are of
other songs, made ones of other seeds. Balanced accuracy: .5 is chance, 1 is always told apart. The *score* is all
families but touch, on a grid of sixteenths. The control tells songs from other songs, and should find nothing.

The features stand as they are, so that figures can be compared over time: new ones may be added, none is changed.
"""

from training.core.critic import bass, clashes, drums, form, harmony, line, rhythm, touch
from training.core.critic.judge import Sample, Verdict, compare, extract, families, told_by
from training.core.critic.phrase import Phrase
from training.core.critic.registry import FEATURES

FAMILIES = (harmony, bass, line, rhythm, drums, clashes, form, touch)  # each registers its features

__all__ = ["FEATURES", "Phrase", "Sample", "Verdict", "compare", "extract", "families", "told_by"]
