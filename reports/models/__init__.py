"""What people judge and what the ministry publishes, beside what the system computes."""

from .evaluation import (
    STAGES,
    Assessment,
    EarlierOpinion,
    Evaluation,
    MissedTargetReview,
    PanelMeeting,
    Stage,
    YuanLetter,
)
from .publications import Publication, PublishedFile, report_title
from .resources import AnnualResources

__all__ = [
    "STAGES",
    "AnnualResources",
    "Assessment",
    "EarlierOpinion",
    "Evaluation",
    "MissedTargetReview",
    "PanelMeeting",
    "Publication",
    "PublishedFile",
    "Stage",
    "YuanLetter",
    "report_title",
]
