"""Leads and histories from files: what a CRM, a form tool or a spreadsheet exports, read without guessing.

A file is either refused as a whole, before anything is written, with all its problems (`Rejected`), or read row by row:
each row comes out as a value or as a `Reject` with its line, a code and the raw cells. Nothing is repaired or dropped.
"""

from nurture.leads.history import HistoryFile, HistoryOptions, HistoryRow, Resolved, name_key, resolve
from nurture.leads.importing import ImportReport, import_leads, lead_ids_of
from nurture.leads.mapping import Columns, parse_map
from nurture.leads.reading import LeadFile, LeadOptions, Table, open_table
from nurture.leads.rejects import Reject, RejectsWriter, guarded
from nurture.leads.rows import LeadRow
from nurture.leads.source import Source
from nurture.leads.times import parse_time

__all__ = [
    "Columns",
    "HistoryFile",
    "HistoryOptions",
    "HistoryRow",
    "ImportReport",
    "LeadFile",
    "LeadOptions",
    "LeadRow",
    "Reject",
    "RejectsWriter",
    "Resolved",
    "Source",
    "Table",
    "guarded",
    "import_leads",
    "lead_ids_of",
    "name_key",
    "open_table",
    "parse_map",
    "parse_time",
    "resolve",
]
