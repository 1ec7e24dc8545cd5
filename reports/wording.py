"""Progress and lights in symbol and word; never in colour alone."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .attainment import Light, Progress
from .attention import Reason

PROGRESS_SYMBOLS: dict[Progress, str] = {
    Progress.ACHIEVED: "✓",
    Progress.AHEAD: "↑",
    Progress.ON_TRACK: "＝",
    Progress.BEHIND: "↓",
    Progress.NOT_DUE: "…",
    Progress.INCOMPLETE: "？",
}
PROGRESS: dict[Progress, Promise] = {
    Progress.ACHIEVED: _("Target reached"),
    Progress.AHEAD: _("Ahead"),
    Progress.ON_TRACK: _("On track"),
    Progress.BEHIND: _("Behind"),
    Progress.NOT_DUE: _("Not due yet"),
    Progress.INCOMPLETE: _("Figures missing"),
}
LIGHT_SYMBOLS: dict[Light, str] = {Light.GREEN: "★", Light.AMBER: "▲", Light.RED: "●", Light.WHITE: "□"}
LIGHTS: dict[Light, Promise] = {
    Light.GREEN: _("Green light"),
    Light.AMBER: _("Amber light"),
    Light.RED: _("Red light"),
    Light.WHITE: _("White light"),
}
REASONS: dict[Reason, Promise] = {
    Reason.OVERDUE: _("Report overdue"),
    Reason.BEHIND: PROGRESS[Progress.BEHIND],
    Reason.INCOMPLETE: PROGRESS[Progress.INCOMPLETE],
    Reason.SHORT: _("Estimated to miss"),
    Reason.RED: LIGHTS[Light.RED],
    Reason.AMBER: LIGHTS[Light.AMBER],
    Reason.WHITE: LIGHTS[Light.WHITE],
}
REASON_SYMBOLS: dict[Reason, str] = {
    Reason.OVERDUE: "！",
    Reason.BEHIND: PROGRESS_SYMBOLS[Progress.BEHIND],
    Reason.INCOMPLETE: PROGRESS_SYMBOLS[Progress.INCOMPLETE],
    Reason.SHORT: "↘",
    Reason.RED: LIGHT_SYMBOLS[Light.RED],
    Reason.AMBER: LIGHT_SYMBOLS[Light.AMBER],
    Reason.WHITE: LIGHT_SYMBOLS[Light.WHITE],
}
