"""Look whether a stored plan is one of this library's."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from vidindex.errors import Refused
from vidindex.plan_files import PlanFile
from vidindex.store import files, moves

_WRITE_AGAIN = "write it again with this library: vidindex apply DEST --plan FILE"


def require_own(session: Session, file: Path, plan: PlanFile) -> None:
    """Make sure that a plan is about contents and links that this library knows.

    Raises:
        Refused: it is not, as another library wrote it.
    """
    contents = {known.blake3 for known in files.list_files(session)}
    links = {
        (link.id, link.target, link.source) for link in moves.list_links(session, plan.destination)
    }
    _require_known(file, plan, contents)
    for move in plan.moves:
        if move.undoes_move is None and move.action != "unlink":
            continue
        if (move.undoes_move, move.stat.path, move.target) not in links:
            raise Refused(
                f"the plan {file} removes {move.stat.path}, which is no link of this library's",
                _WRITE_AGAIN,
            )


def _require_known(file: Path, plan: PlanFile, contents: set[bytes | None]) -> None:
    leads = [move for move in plan.moves if not move.is_sidecar]
    unknown = [move.stat.path for move in leads if move.blake3 not in contents]
    if unknown:
        raise Refused(
            f"this library does not know {len(unknown)} of the {len(leads)} contents of the plan "
            f"{file}, as that of {unknown[0]}",
            _WRITE_AGAIN,
        )
