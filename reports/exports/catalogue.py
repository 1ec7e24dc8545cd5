"""Every dataset, in the order in which they are offered."""

from .attainment import ATTAINMENT
from .dataset import Dataset
from .definitions import DEFINITIONS
from .figures import FIGURES
from .imports import IMPORTS
from .ledger import LEDGER
from .missed import MISSED
from .people import PEOPLE, ROLES
from .publications import PUBLICATIONS
from .status import STATUS
from .units import UNITS

DATASETS: dict[str, Dataset] = {
    each.name: each
    for each in (
        ATTAINMENT,
        MISSED,
        FIGURES,
        STATUS,
        UNITS,
        DEFINITIONS,
        PUBLICATIONS,
        PEOPLE,
        ROLES,
        IMPORTS,
        LEDGER,
    )
}
