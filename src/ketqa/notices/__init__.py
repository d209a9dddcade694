"""Before any search: does this message tell of danger, or ask what one person should do?"""

from ketqa.notices.classify import FAMILY, Kind, classify
from ketqa.notices.words import COUNTRIES, Help, help_in, notice_for, notice_lines

__all__ = [
    "COUNTRIES",
    "FAMILY",
    "Help",
    "Kind",
    "classify",
    "help_in",
    "notice_for",
    "notice_lines",
]
