"""Linear systems in exact or long arithmetic, for the scripts beside this one."""


def solve(rows, right):
    """The solution of `rows` times x = `right` by Gaussian elimination with row exchanges; both are spoilt."""
    n = len(rows)
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot], right[i], right[pivot] = rows[pivot], rows[i], right[pivot], right[i]
        for r in range(i + 1, n):
            f = rows[r][i] / rows[i][i]
            rows[r] = [a - f * b for a, b in zip(rows[r], rows[i])]
            right[r] -= f * right[i]
    x = [0] * n
    for i in reversed(range(n)):
        x[i] = (right[i] - sum(rows[i][j] * x[j] for j in range(i + 1, n))) / rows[i][i]
    return x
