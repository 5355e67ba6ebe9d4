"""What comes back by mail: replies, automatic replies, opt-outs, complaints, delivery status.

`boxes` fetches (IMAP, maildir), `mail` reads, `status` and `automatic` recognise, `meaning` says what a mail is. None
of them knows the store; `nurture.engine.listening` matches and writes down.
"""

from nurture.mailbox.boxes import BadMailbox, Box, MailboxDown, Received, open_box
from nurture.mailbox.meaning import Meaning, What, meaning
from nurture.mailbox.plus import PlusAddress, Purpose, plus_addresses, read_plus

__all__ = [
    "BadMailbox",
    "Box",
    "MailboxDown",
    "Meaning",
    "PlusAddress",
    "Purpose",
    "Received",
    "What",
    "meaning",
    "open_box",
    "plus_addresses",
    "read_plus",
]
