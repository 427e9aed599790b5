"""Take vectors that another library has exported into this one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from vidindex.db import schema
from vidindex.errors import Refused
from vidindex.reporting import Problem, Reporter
from vidindex.store import exchange, recipes
from vidindex.vector_file_reader import VectorBlock, VectorFile, opened_vectors
from vidindex.vector_files import VectorRecord


@dataclass(frozen=True)
class ImportResult:
    """What became of the vectors of a file.

    recipe: its number here, with its description in a few words. added: new vectors. known: that
    were here already, bit-equal. problems: the others, for which the library has other numbers,
    which stay.
    """

    recipe: int
    description: str
    added: int
    known: int
    problems: tuple[Problem, ...]


def import_vectors(
    library: Path, path: Path, *, reporter: Reporter, wait: bool = False
) -> ImportResult:
    """Store the vectors of an .npz with their contents, all or none; the library is made if new.

    No file is taken over: where the contents lie, the next index run finds by their hashes, and
    has nothing to decode. wait: until another vidindex has finished.

    Raises:
        Refused: it is no file of vectors, or is damaged; nothing was changed.
    """
    with opened_vectors(path) as file:
        reporter.start("checking", file.count)
        for block in file.blocks():  # whole, before anything is made or locked
            reporter.advance(len(block.records))
        reporter.finish()
        with (
            schema.open_for_writing(library, reporter.notice, wait=wait) as database,
            database.writing() as session,
        ):
            recipe = recipes.put_recipe(
                session, file.recipe, file.weights_name, now=datetime.now(UTC)
            )
            (description,) = (
                stored.description
                for stored in recipes.list_recipes(session)
                if stored.id == recipe
            )
            reporter.start("importing", file.count)
            added, problems = 0, []
            for block in file.blocks():
                new, different = _put(session, recipe, file, block)
                added += new
                problems += different
                reporter.advance(len(block.records))
            reporter.finish()
    for problem in problems:
        reporter.problem(problem)
    known = file.count - added - len(problems)
    return ImportResult(recipe, description, added, known, tuple(problems))


def _put(
    session: Session, recipe: int, file: VectorFile, block: VectorBlock
) -> tuple[int, list[Problem]]:
    """Store a block; return how many vectors were new, and those that are different."""
    exchange.put_contents(session, block.records)
    contents = exchange.find_contents(session, [record.blake3 for record in block.records])
    stored = exchange.load_vectors(
        session, recipe, [content.video_id for content in contents.values()]
    )
    new, different = [], []
    for record, vector in zip(block.records, block.vectors, strict=True):
        content = contents[record.blake3]
        if content.size_bytes != record.size_bytes:
            raise Refused(
                f"{file.path} has {record.size_bytes} bytes for {record.blake3.hex()}, "
                f"which has {content.size_bytes}",
                "nothing was changed; it is no export of a sound library",
            )
        if content.video_id not in stored:
            new.append((content.video_id, record, vector))
        elif stored[content.video_id][1].tobytes() != vector.tobytes():
            different.append(_different(record))
    exchange.put_vectors(session, recipe, new)
    return len(new), different


def _different(record: VectorRecord) -> Problem:
    return Problem(
        Path(os.fsdecode(record.path or record.blake3.hex().encode())),
        "different",
        f"the library has another vector of {record.blake3.hex()} by this recipe; it stays",
        "one of them may be computed in bf16, or on another kind of processor",
    )
