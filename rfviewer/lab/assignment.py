"""Exact minimum-cost matching of two small sets in which anything may stay alone.

Shortest augmenting paths with dual variables: H. W. Kuhn (1955), doi 10.1002/nav.3800020109, in the
form of R. Jonker and A. Volgenant (1987), doi 10.1007/BF02278710. Cubic in the worst case; what is
matched here has at most a hundred rows a side, so one inner step is one numpy operation.
"""

import numpy as np
from numpy.typing import NDArray

type F64Array = NDArray[np.float64]


def match(costs: F64Array, alone_rows: F64Array, alone_columns: F64Array) -> list[tuple[int, int]]:
    """Return the pairs (row, column), by row, of the cheapest matching.

    The total is the cost of every pair plus that of every row and column left alone.

    Args:
        costs: (N, M); infinite where a pair is not allowed.
        alone_rows: (N,) what it costs to leave a row without a partner.
        alone_columns: (M,) the same for columns.

    Raises:
        ValueError: the shapes do not fit.
    """
    rows, columns = costs.shape
    if alone_rows.shape != (rows,) or alone_columns.shape != (columns,):
        raise ValueError(f"costs {costs.shape}, but {alone_rows.shape} and {alone_columns.shape}")
    if not rows or not columns:
        return []
    # A column's cost of staying alone is saved by every pair that takes it, so it moves into the
    # pairs; a row stays alone by taking a column of its own. Every row then takes one column.
    own = np.full((rows, rows), np.inf)
    np.fill_diagonal(own, alone_rows)
    taken = assign(np.concatenate([costs - alone_columns, own], axis=1))
    return [(row, int(column)) for row, column in enumerate(taken) if column < columns]


def assign(costs: F64Array) -> NDArray[np.intp]:
    """Return the column of each row, all different, with the least total cost.

    Args:
        costs: (N, M) with N <= M; infinite where a pair is not allowed.

    Raises:
        ValueError: more rows than columns, or no allowed assignment.
    """
    rows, columns = costs.shape
    if rows > columns:
        raise ValueError(f"{rows} rows cannot all have one of {columns} columns")
    row_of = np.full(columns, -1, np.intp)
    column_of = np.full(rows, -1, np.intp)
    row_dual, column_dual = np.zeros(rows), np.zeros(columns)
    for first in range(rows):
        # Dijkstra over columns, from `first` to any free column, with reduced costs.
        shortest = np.full(columns, np.inf)
        before = np.full(columns, -1, np.intp)
        done = np.zeros(columns, np.bool_)
        visited_rows, row, distance = [first], first, 0.0
        while True:
            reduced = distance + costs[row] - row_dual[row] - column_dual
            better = ~done & (reduced < shortest)
            shortest[better] = reduced[better]
            before[better] = row
            column = int(np.argmin(np.where(done, np.inf, shortest)))
            distance = float(shortest[column])
            if not np.isfinite(distance) or done[column]:
                raise ValueError("no assignment is allowed for every row")
            done[column] = True
            if row_of[column] < 0:
                break
            row = int(row_of[column])
            visited_rows.append(row)
        # Duals, so that reduced costs stay non-negative and zero along matched pairs.
        row_dual[first] += distance
        for other in visited_rows[1:]:
            row_dual[other] += distance - shortest[column_of[other]]
        column_dual[done] -= distance - shortest[done]
        # Flip the path that ends in the free column.
        while True:
            row = int(before[column])
            row_of[column] = row
            column, column_of[row] = int(column_of[row]), column
            if row == first:
                break
    return column_of
