"""Decisions of operators with a known law, and what LightGBM learns from them.

Writes to the folder given (default target/peers), for each size: learning-N.features (N x 8 f64, column after column),
learning-N.truth (N f64, the true probability), learning-N.labels (N bytes, 0 or 1), all little-endian; and learning.json
with LightGBM's CPU seconds and log loss. The first 80 % of the rows train, the rest tests, as in examples/learning.rs.
"""

import json
import os
import pathlib
import sys
import time

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import lightgbm
import numpy as np

SIZES = (20_000, 200_000)
SEED = 11
REPEATS = 5
CANDIDATES = 5_000


def decisions(rows, seed):
    """Eight features in [0, 1); the log odds are additive but for two interactions; the label is a draw with that probability."""
    draw = np.random.Generator(np.random.PCG64(seed))
    x = draw.random((rows, 8))
    fill, distance, velocity, affinity, weight, aisle, age, history = x.T
    odds = 4 * (1 - np.abs(fill - 0.85) / 0.85) - 6.4 * distance * velocity + 2.5 * affinity
    odds += -3.0 * (weight > 0.8) * (aisle > 0.5) + 3 * (history - 0.5) + 1.2 * np.sin(6 * age) - 1.2
    truth = 1 / (1 + np.exp(-1.6 * odds))
    return x, truth, draw.random(rows) < truth


def log_loss(labels, predicted):
    return float(-np.mean(np.where(labels, np.log(predicted), np.log1p(-predicted))))


def measured(x, labels, cut):
    """The least CPU seconds of REPEATS trainings, and the log loss on the rows from `cut` on."""
    seconds = []
    for _ in range(REPEATS):
        model = lightgbm.LGBMClassifier(
            n_estimators=200, learning_rate=0.06, num_leaves=31, n_jobs=1, verbose=-1, random_state=0
        )
        start = time.process_time()
        model.fit(x[:cut], labels[:cut])
        seconds.append(time.process_time() - start)
    test = x[cut:]
    scorings = []
    for _ in range(REPEATS):
        start = time.process_time()
        model.booster_.predict(test[:CANDIDATES], num_threads=1)
        scorings.append(time.process_time() - start)
    predicted = model.booster_.predict(test, num_threads=1)
    return {"cpu_seconds": min(seconds), "log_loss": log_loss(labels[cut:], predicted), "score_5000_cpu_seconds": min(scorings)}


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/peers")
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for rows in SIZES:
        x, truth, labels = decisions(rows, seed)
        np.asfortranarray(x, dtype="<f8").T.tofile(folder / f"learning-{rows}.features")
        truth.astype("<f8").tofile(folder / f"learning-{rows}.truth")
        labels.astype(np.uint8).tofile(folder / f"learning-{rows}.labels")
        cut = rows * 4 // 5
        peer = measured(x, labels.astype(int), cut)
        results.append({"rows": rows, "seed": seed, "peer": f"LightGBM {lightgbm.__version__}", **peer})
        print(results[-1], "best possible log loss", log_loss(labels[cut:], truth[cut:]), flush=True)
    (folder / "learning.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
