"""What the words mean: ODRL policies, the uses of AI, and decisions with reasons.

Pure: no I/O beyond its own data files, no clock, no tables, nothing of ours imported.
"""

from policies.agreement import agree
from policies.alignment import equivalents, from_duo, request_from_duo, to_dpv
from policies.change import Change
from policies.checking import Finding, check_policy
from policies.columns import Columns, columns_of
from policies.compiled import Compiled, PolicyIndex, Trace
from policies.conflicts import Agreeing, Clash, agreeing, clashes, meeting
from policies.decision import Decision, Prospect, cleared
from policies.dumping import dump_policy, policy_digest
from policies.errors import DocumentError, FilterError, PolicyError, RequestError
from policies.evaluation import evaluate, match
from policies.impact import Group, Impact, impact
from policies.inheritance import inherit, successor
from policies.library import Adjustable, Template, from_template, templates
from policies.masks import ColumnMask, column_masks
from policies.parsing import parse_policy
from policies.policy import (
    Collection,
    Conflict,
    Connective,
    Constraint,
    Duty,
    Kind,
    Logical,
    Moment,
    Policy,
    Rule,
)
from policies.policytest import PolicyTest, PolicyTestReport, run_policy_tests
from policies.regions import is_country, is_region, region_label, regions_of
from policies.replay import Replay, Shift, replay, what_if
from policies.report import compliance_report
from policies.request import Place, Request, item_from_json, request_from_json
from policies.rowfilter import RowFilter
from policies.sql import Selection, Sql, compile_filter, compile_selection
from policies.summary import Line, Summary, summarise
from policies.tree import explain
from policies.verdict import ItemVerdict, Outcome, Reason
from policies.vocabulary import (
    DUTIES,
    ENGINE_VERSION,
    ITEM_FACTS,
    PROFILE,
    PURPOSES,
    USER_CLASSES,
    USES,
    VOCABULARY_VERSION,
    Effect,
    Operator,
    duty_term,
    label,
    purpose_term,
    use_term,
)
from policies.world import DutyMode, DutyState, World, world_from_json

__all__ = [
    "DUTIES",
    "ENGINE_VERSION",
    "ITEM_FACTS",
    "PROFILE",
    "PURPOSES",
    "USER_CLASSES",
    "USES",
    "VOCABULARY_VERSION",
    "Adjustable",
    "Agreeing",
    "Change",
    "Clash",
    "Collection",
    "ColumnMask",
    "Columns",
    "Compiled",
    "Conflict",
    "Connective",
    "Constraint",
    "Decision",
    "DocumentError",
    "Duty",
    "DutyMode",
    "DutyState",
    "Effect",
    "FilterError",
    "Finding",
    "Group",
    "Impact",
    "ItemVerdict",
    "Kind",
    "Line",
    "Logical",
    "Moment",
    "Operator",
    "Outcome",
    "Place",
    "Policy",
    "PolicyError",
    "PolicyIndex",
    "PolicyTest",
    "PolicyTestReport",
    "Prospect",
    "Reason",
    "Replay",
    "Request",
    "RequestError",
    "RowFilter",
    "Rule",
    "Selection",
    "Shift",
    "Sql",
    "Summary",
    "Template",
    "Trace",
    "World",
    "agree",
    "agreeing",
    "check_policy",
    "clashes",
    "cleared",
    "column_masks",
    "columns_of",
    "compile_filter",
    "compile_selection",
    "compliance_report",
    "dump_policy",
    "duty_term",
    "equivalents",
    "evaluate",
    "explain",
    "from_duo",
    "from_template",
    "impact",
    "inherit",
    "is_country",
    "is_region",
    "item_from_json",
    "label",
    "match",
    "meeting",
    "parse_policy",
    "policy_digest",
    "purpose_term",
    "region_label",
    "regions_of",
    "replay",
    "request_from_duo",
    "request_from_json",
    "run_policy_tests",
    "successor",
    "summarise",
    "templates",
    "to_dpv",
    "use_term",
    "what_if",
    "world_from_json",
]
