"""What makes a hypothesis well formed: one function per rule, all run, all problems reported.

A rule takes a `Claim` and yields a `Problem` for each violation. To add one, write the function
and name it in `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from scrub.errors import Problem
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.rules.conventions import (
    generator_given,
    lengths_fit_the_options,
    option_columns_exist,
    partners_have_equal_lengths,
    unfolding_within_limit,
)
from scrub.hypothesis.rules.features import classes_have_partners, features_evaluate, root_is_fixed
from scrub.hypothesis.rules.frames import frames_have_partners
from scrub.hypothesis.rules.inputs import answers_fit_the_output, inputs_fit_the_model
from scrub.hypothesis.rules.paths import direct_paths, inputs_have_ports, parents_disjoint, sink
from scrub.hypothesis.rules.places import (
    indices_exist,
    positions_readable,
    role_items_exist,
    roles_exist,
    roles_present,
)
from scrub.hypothesis.rules.spaces import nodes_in_one_space, roles_in_their_space

Rule = Callable[[Claim], Iterator[Problem]]

RULES: tuple[Rule, ...] = (
    sink,
    inputs_fit_the_model,
    answers_fit_the_output,
    inputs_have_ports,
    direct_paths,
    roles_exist,
    nodes_in_one_space,
    roles_in_their_space,
    roles_present,
    role_items_exist,
    indices_exist,
    positions_readable,
    parents_disjoint,
    features_evaluate,
    classes_have_partners,
    frames_have_partners,
    root_is_fixed,
    option_columns_exist,
    partners_have_equal_lengths,
    lengths_fit_the_options,
    generator_given,
    unfolding_within_limit,
)
