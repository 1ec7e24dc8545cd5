"""The verbs of quarterly reporting: the only code that writes figures or moves a report's status.

Admin, pages, imports and commands all call these. Each verb is atomic and judges what it finds under the
ledger's lock. What it refuses for a reason that the caller can mend is a `Refusal`; what the person may not
do at all is a PermissionDenied.
"""

from .drafts import (
    Cell,
    Key,
    Texts,
    check_figure,
    create_reports,
    due_variables,
    missing_figures,
    save_draft,
    save_progress,
    set_constant,
)
from .invented import (
    DEMONSTRATION_CHECK,
    DEMONSTRATION_LAG,
    DEMONSTRATION_REMARK,
    clear_demonstration,
)
from .periods import (
    close_period,
    close_year,
    closed_because,
    create_periods,
    open_period,
    reopen_period,
    require_open,
)
from .planned import spread_planned_values, why_not_spread
from .refusals import Closed, Conflict, Refusal
from .steps import (
    TRANSITIONS,
    Step,
    approve,
    approve_all,
    endorse,
    follow_up,
    had_a_hand_in,
    is_behind,
    notices,
    obstacles,
    open_responses,
    origins,
    possible_steps,
    reopen,
    return_for_correction,
    submit,
    withdraw,
)

__all__ = [
    "DEMONSTRATION_CHECK",
    "DEMONSTRATION_LAG",
    "DEMONSTRATION_REMARK",
    "TRANSITIONS",
    "Cell",
    "Closed",
    "Conflict",
    "Key",
    "Refusal",
    "Step",
    "Texts",
    "approve",
    "approve_all",
    "check_figure",
    "clear_demonstration",
    "close_period",
    "close_year",
    "closed_because",
    "create_periods",
    "create_reports",
    "due_variables",
    "endorse",
    "follow_up",
    "had_a_hand_in",
    "is_behind",
    "missing_figures",
    "notices",
    "obstacles",
    "open_period",
    "open_responses",
    "origins",
    "possible_steps",
    "reopen",
    "reopen_period",
    "require_open",
    "return_for_correction",
    "save_draft",
    "save_progress",
    "set_constant",
    "spread_planned_values",
    "submit",
    "why_not_spread",
    "withdraw",
]
