"""neonize's protobufs and what reads them in a host, for tests.

Loading neonize leaves a process behind with its pipe, which pytest would report.
"""

import subprocess
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from neonize.proto import Neonize_pb2 as pb
    from neonize.proto.waE2E import WAWebProtobufsE2E_pb2 as e2e
    from neonize.proto.waHistorySync.WAWebProtobufsHistorySync_pb2 import HistorySync

    from sessions_app.engines.neonize import content, translate
    from sessions_app.engines.neonize.session import HostedSession

    subprocess.run(["true"], check=True)  # noqa: S607 (a new process has Python let go of it)

__all__ = [
    "HistorySync",
    "HostedSession",
    "content",
    "e2e",
    "jid",
    "message",
    "pb",
    "translate",
]

LID, PHONE = "100@lid", "15550100123@s.whatsapp.net"


def jid(text, device=0):
    user, _, server = text.rpartition("@")
    return pb.JID(
        User=user, Server=server, Device=device, RawAgent=0, Integrator=0, IsEmpty=False
    )


def message(body, *, chat=LID, sender=LID, alt=PHONE, from_me=False, group=False):
    """A message as neonize hands it over; `body` is its content."""
    source = pb.MessageSource(
        Chat=jid(chat),
        Sender=jid(sender, device=7),
        SenderAlt=jid(alt) if alt else None,
        IsFromMe=from_me,
        IsGroup=group,
        AddressingMode=1,
    )
    info = pb.MessageInfo(
        MessageSource=source,
        ID="WA1",
        ServerID=0,
        Type="text",
        Pushname="Maria",
        Timestamp=1_795_348_800,
        Category="",
        Multicast=False,
        MediaType="",
        Edit="",
    )
    return pb.Message(Info=info, Message=body)
