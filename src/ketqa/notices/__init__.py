"""Before any search: does this message tell of danger, or ask what one person should do?"""

from ketqa.notices.classify import FAMILY, Kind, classify
from ketqa.notices.words import COUNTRIES, notice_for

__all__ = ["COUNTRIES", "FAMILY", "Kind", "classify", "notice_for"]
