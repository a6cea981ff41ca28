"""Read files that count by reason, length, number or setting, over pupils from a second file."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from averting.data.assemble import Origin, assemble
from averting.data.breakdowns import keep_rows, rows_check, spread
from averting.data.combine import summed
from averting.data.headcounts import with_headcount
from averting.data.panel import Panel
from averting.data.reading import Chosen, layout_of, left_out_check, vintage_check
from averting.data.symbols import Symbol, Vintage
from averting.data.vintage import level_rows, pick_phase
from averting.errors import DataError


def panel_of_parts(
    frame: pd.DataFrame,
    vintage: Vintage,
    columns: dict[str, str],
    source: str,
    level: str,
    phase: str | None,
    symbols: Mapping[str, Symbol],
    indicators: Collection[str] | None,
    chosen: Chosen,
) -> Panel:
    """Read a file that counts by reason, length or setting, over a second file's pupils.

    Parameters
    ----------
    frame : DataFrame
        Cells as text.
    vintage, columns
        The file's vintage, which has a breakdown, and the column of each role.
    source, level, phase, symbols, indicators
        As in :func:`averting.data.read_panel`, symbols as declared ones.
    chosen : Chosen
        Which parts to count, and the second file's pupils.

    Raises
    ------
    DataError
        If a part, an indicator or the second file's pupils are not there, or the table has faults.
    """
    breakdown = vintage.breakdown
    if breakdown is None or chosen.pupils is None:
        raise DataError(f"{source} has no parts to add up.")
    others = {name: texts for name, texts in chosen.rows.items() if name not in breakdown.names}
    kept, _ = keep_rows(frame, others, source=source)
    kept, _ = level_rows(kept, vintage, source=source, level=level)
    if "phase" in columns:
        kept, _ = pick_phase(kept, columns["phase"], phase, source=source, level=level)
    left_out = len(frame) - len(kept)
    keys = list(dict.fromkeys(column for role, column in columns.items() if role != "exposure"))
    kept, parts = spread(kept, breakdown, chosen.rows, keys, source=source)
    unknown = sorted(set(indicators or ()) - set(parts))
    if unknown:
        raise DataError(f"{source} has no column for {', '.join(unknown)}; it has {', '.join(parts)}.")
    parts = {key: parts[key] for key in indicators or parts}
    kept, joined = with_headcount(
        kept, chosen.pupils, school=columns["school"], period=columns["period"], source=source, named=chosen.named
    )
    layout = layout_of(columns, {name: name for names in parts.values() for name in names})
    origin = Origin(source, level, {**vintage.symbols, **symbols}, vintage.tolerates)
    data, checks = assemble(kept, kept.index.to_numpy(dtype=np.int64) + 2, layout, origin)
    data["exposure"].attrs["units"] = "pupils"
    said = (vintage_check(vintage, symbols), *rows_check(breakdown, chosen.rows), *joined)
    return summed(Panel(data, (*said, *left_out_check(left_out), *checks)), parts)
