"""For tests of node types, ours and yours: snapshots in a few words, and the contract that every type must keep.

decision = NODE.decide(snap(now="6 Mar 09:30", signals=[reply("6 Mar 08:59")]))

check_node_type(MyNode, {"threshold": 3}, {"threshold": 10, "within": "2 days"})
"""

from nurture.testing.contract import check_node_type
from nurture.testing.scenes import click, heard, message, moment, reply, snap, view

__all__ = ["check_node_type", "click", "heard", "message", "moment", "reply", "snap", "view"]
