"""Chemical reactions as SMILES, one atom of the product hidden: data for the model of RXNMapper.

Each is one of a few textbook reactions between random building blocks, whose product is put
together by name: `A.B>>product`. Nothing here knows chemistry beyond that; every reaction is as
long as every other, counted in tokens, so that means can be taken position by position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scrub.data.dataset import Dataset
from scrub.data.task import Task

# the regular expression of the package rxnmapper, which its vocabulary goes with
TOKEN = re.compile(
    r"(\[[^\]]+]|Br?|Cl?|N|O|S|P|F|I|b|c|n|o|s|p|\(|\)|\.|=|#|-|\+|\\|\/|:|~|@|\?|>>?|\*|\$|"
    r"\%[0-9]{2}|[0-9])"
)
TOKEN_OF_ALL = re.compile(r">>|" + TOKEN.pattern)
ATOM = re.compile(r"\[|[BCNOSPFIbcnosp]")

# A chain ends in its free place: `{}` of the other side is put after it.
CHAINS = (
    "C", "CC", "CCC", "CC(C)", "CCCC", "CC(C)C", "CC(C)(C)", "C1CCCCC1", "COCC", "C=CC", "N#CCC",
    "FC(F)(F)C", "c1ccccc1C", "c1ccc(Cl)cc1C", "c1ccc(OC)cc1CC", "c1ccncc1C", "C1CCOC1C", "CSCC",
    "c1ccoc1C", "c1ccsc1C", "CC(=O)C", "CCOC(=O)C",
)  # fmt: skip
RINGS = (
    "c1ccccc1", "c1ccc(C)cc1", "c1ccc(F)cc1", "c1ccc(OC)cc1", "c1ccncc1", "c1ccc(C#N)cc1",
    "c1cccnc1", "c1ccc2ccccc2c1", "c1ccsc1", "c1ccoc1", "c1cc(C)cc(C)c1", "c1ccc(Cl)nc1",
    "c1cncnc1", "c1ccc(C(=O)OC)cc1",
)  # fmt: skip
