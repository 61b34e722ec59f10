"""NumPy's and SciPy's half of `cargo run --release -p optimization --example statistics`.

Writes to the folder given the samples as little-endian f64 (statistics-ROWS-x.f64, -y.f64) and, in statistics-ROWS.json, what
NumPy and SciPy make of them and how much CPU that takes (process time, one thread, the best of a few runs).

    python statistics.py FOLDER [ROWS ...]
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import json
import sys
import time

import numpy as np
import scipy
from scipy import stats

PERCENTS = [1, 5, 25, 50, 75, 95, 99]


def suite(x, y):
    """The parts of the suite, by name; the first and second half of x are the two samples."""
    half = len(x) // 2
    first, second = x[:half], x[half:]

    def iqr():
        low, high = np.percentile(x, [25, 75])
        reach = 1.5 * (high - low)
        return int(((x < low - reach) | (x > high + reach)).sum())

    def modified_z():
        median = np.median(x)
        distance = np.abs(x - median)
        return int((0.6745 * distance / np.median(distance) > 3.5).sum())

    return {
        "describe": lambda: stats.describe(x),
        "percentiles": lambda: np.percentile(x, PERCENTS),
        "pearson": lambda: np.corrcoef(x, y)[0, 1],
        "spearman": lambda: stats.spearmanr(x, y),
        "iqr": iqr,
        "z_score": lambda: int((np.abs((x - x.mean()) / x.std()) > 3).sum()),
        "modified_z": modified_z,
        "welch": lambda: stats.ttest_ind(first, second, equal_var=False),
        "mann_whitney": lambda: stats.mannwhitneyu(first, second, method="asymptotic"),
    }


def numbers(found):
    """The results as one flat list of numbers for each part."""
    description = found["describe"]
    return {
        "describe": [
            description.nobs, description.mean, description.variance, description.skewness, description.kurtosis,
            *description.minmax,
        ],
        "percentiles": list(found["percentiles"]),
        "pearson": [found["pearson"]],
        "spearman": [found["spearman"].statistic, found["spearman"].pvalue],
        "iqr": [found["iqr"]],
        "z_score": [found["z_score"]],
        "modified_z": [found["modified_z"]],
        "welch": [found["welch"].statistic, found["welch"].df, found["welch"].pvalue],
        "mann_whitney": [found["mann_whitney"].statistic, found["mann_whitney"].pvalue],
    }


def run(folder, rows):
    random = np.random.Generator(np.random.PCG64(7))
    x = random.lognormal(3, 1, rows)
    y = 0.3 * x + random.normal(0, 10, rows)
    for name, values in (("x", x), ("y", y)):
        values.astype("<f8").tofile(os.path.join(folder, f"statistics-{rows}-{name}.f64"))
    best = {}
    for _ in range(3 if rows <= 1_000_000 else 2):
        cpu_ms, found = {}, {}
        for name, part in suite(x, y).items():
            start = time.process_time()
            found[name] = part()
            cpu_ms[name] = (time.process_time() - start) * 1e3
        if not best or sum(cpu_ms.values()) < sum(best.values()):
            best = cpu_ms
    answer = {
        "rows": rows,
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
        "cpu_ms": best,
        "results": {name: [float(value) for value in values] for name, values in numbers(found).items()},
    }
    with open(os.path.join(folder, f"statistics-{rows}.json"), "w") as file:
        json.dump(answer, file, indent=1)
    print(f"{rows} rows: {sum(best.values()):.0f} ms of CPU")


if __name__ == "__main__":
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for rows in [int(float(word)) for word in sys.argv[2:]] or [1_000_000, 10_000_000]:
        run(folder, rows)
