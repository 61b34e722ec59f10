"""Writes reference.json and tails.csv beside this file: what SciPy makes of small samples, and tails of distributions by mpmath.

    python -m venv venv && venv/bin/pip install numpy scipy mpmath && venv/bin/python reference.py
"""

import json
import pathlib

import mpmath
import numpy as np
import scipy
from scipy import integrate, optimize, stats

HERE = pathlib.Path(__file__).parent
random = np.random.Generator(np.random.PCG64(20))
mpmath.mp.dps = 60

SAMPLES = {
    "three": [2.0, 7.5, 3.0],
    "four": [1.0, -2.0, 0.5, 8.0],
    "five": [3.1, 2.9, 3.3, 8.7, 3.0],
    "eleven": random.normal(5, 2, 11).round(3).tolist(),
    "twelve": random.normal(0, 1, 12).round(3).tolist(),
    "normal": random.normal(50, 9, 60).round(4).tolist(),
    "skewed": random.lognormal(2, 1, 150).round(4).tolist(),
    "ties": random.integers(0, 9, 120).astype(float).tolist(),
    "many": random.normal(1e2, 3, 400).round(3).tolist(),
    "heavy": (1000 * random.standard_t(2, 90)).round(2).tolist(),
}


def value(x):
    x = float(x)
    return x if np.isfinite(x) else None


def describe(x):
    found = stats.describe(x)
    low, high = stats.t.interval(0.95, len(x) - 1, np.mean(x), stats.sem(x))
    return [found.mean, found.variance, found.skewness, found.kurtosis, *found.minmax, low, high,
            *np.percentile(x, [1, 5, 25, 50, 75, 95, 99])]


def outliers(x):
    x = np.array(x)
    low, high = np.percentile(x, [25, 75])
    median = np.median(x)
    return [((x < low - 1.5 * (high - low)) | (x > high + 1.5 * (high - low))).sum(),
            (np.abs((x - x.mean()) / x.std()) > 3).sum(),
            (0.6745 * np.abs(x - median) / stats.median_abs_deviation(x) > 3.5).sum()]


def cliff(x, y):
    return np.sign(np.subtract.outer(np.array(x), np.array(y))).mean()


def cohen(x, y):
    pooled = ((len(x) - 1) * np.var(x, ddof=1) + (len(y) - 1) * np.var(y, ddof=1)) / (len(x) + len(y) - 2)
    return (np.mean(x) - np.mean(y)) / np.sqrt(pooled)


def two_samples(x, y):
    welch = stats.ttest_ind(x, y, equal_var=False)
    interval = welch.confidence_interval(0.95)
    automatic = stats.mannwhitneyu(x, y)
    normal = stats.mannwhitneyu(x, y, method="asymptotic")
    return [welch.statistic, welch.df, welch.pvalue, interval.low, interval.high, automatic.statistic, automatic.pvalue,
            normal.pvalue, cliff(x, y), cohen(x, y), *stats.levene(x, y, center="mean"), *stats.levene(x, y, center="median"),
            *stats.f_oneway(x, y)]


def pairs(x, y):
    line = stats.linregress(x, y)
    return [*stats.pearsonr(x, y), *stats.spearmanr(x, y), *stats.kendalltau(x, y), line.slope, line.intercept, line.stderr,
            line.intercept_stderr, line.pvalue]


def mann_kendall(x):
    """By definition, pair by pair."""
    n = len(x)
    s = sum(np.sign(x[j] - x[i]) for i in range(n) for j in range(i + 1, n))
    ties = np.unique(x, return_counts=True)[1].astype(float)
    variance = (n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    z = 0 if s == 0 else (s - np.sign(s)) / np.sqrt(variance)
    return [s, z, 2 * stats.norm.sf(abs(z))]


def power(n1, n2, d, alpha):
    degrees = n1 + n2 - 2
    critical = stats.t.ppf(1 - alpha / 2, degrees)
    shift = d * np.sqrt(n1 * n2 / (n1 + n2))
    return stats.nct.sf(critical, degrees, shift) + stats.nct.cdf(-critical, degrees, shift)


def boundaries(shares, alpha, spending):
    """Simpson's rule on a fine grid of the score, and Brent's method for each boundary."""
    def spent(t):
        if spending == "OBRIEN_FLEMING":
            return 4 * stats.norm.sf(stats.norm.ppf(1 - alpha / 4) / np.sqrt(t))
        return alpha * np.log(1 + (np.e - 1) * t)

    answer, density, grid, before, used = [], None, None, 0.0, 0.0
    for share in shares:
        step, part = np.sqrt(share - before), spent(share) - used
        if density is None:
            crossing = lambda z: 2 * stats.norm.sf(z) - part
        else:
            def crossing(z):
                limit = z * np.sqrt(share)
                tails = stats.norm.sf((limit - grid) / step) + stats.norm.sf((limit + grid) / step)
                return integrate.simpson(density * tails, x=grid) - part
        boundary = optimize.brentq(crossing, 0, 12, xtol=1e-13, rtol=1e-13)
        answer.append(boundary)
        limit = min(boundary, 9) * np.sqrt(share)
        next_grid = np.linspace(-limit, limit, 4001)
        if density is None:
            density = stats.norm.pdf(next_grid / step) / step
        else:
            density = np.array([integrate.simpson(density * stats.norm.pdf((at - grid) / step) / step, x=grid) for at in next_grid])
        grid, before, used = next_grid, share, spent(share)
    return answer


def durbin_watson(x):
    """Imhof's integral by adaptive quadrature in u."""
    d = np.array(x) - np.mean(x)
    n = len(d)
    statistic = (np.diff(d) ** 2).sum() / (d ** 2).sum()
    at = min(statistic, 4 - statistic)
    weights = 2 - 2 * np.cos(np.pi * np.arange(1, n) / n) - at

    def integrand(u):
        angle = np.arctan(weights * u).sum() / 2
        return np.sin(angle) / (u * np.exp(np.log1p((weights * u) ** 2).sum() / 4))

    edges = [1e-300, 0.03, 0.1, 0.3, 1, 3, 10, 100, 1e4, np.inf]
    whole = sum(integrate.quad(integrand, a, b, epsabs=1e-13, epsrel=1e-12, limit=500)[0] for a, b in zip(edges, edges[1:]))
    return [statistic, min(1.0, 2 * (0.5 - whole / np.pi))]


def reference():
    two = [("normal", "skewed"), ("ties", "twelve"), ("five", "eleven"), ("four", "three"), ("heavy", "ties"), ("many", "many2"),
           ("five", "skewed")]
    SAMPLES["many2"] = (np.array(SAMPLES["many"])[:300] + random.normal(0.4, 2, 300)).round(3).tolist()
    n60, n120 = np.array(SAMPLES["normal"]), np.array(SAMPLES["ties"])
    SAMPLES["follows"] = (0.4 * n60 + random.normal(0, 5, 60)).round(3).tolist()
    SAMPLES["against"] = (9 - n120 + random.integers(0, 4, 120)).tolist()
    SAMPLES["apart"] = random.normal(0, 1, 150).round(1).tolist()
    SAMPLES["close"] = (2 * np.array(SAMPLES["many"]) + random.normal(0, 0.1, 400)).round(4).tolist()
    SAMPLES["order"] = [1.0, 2.0, 3.0, 4.0, 5.5, 5.0, 7.0, 8.0, 9.0, 10.0, 11.0]
    paired = [("normal", "follows"), ("ties", "against"), ("skewed", "apart"), ("many", "close"), ("eleven", "order"),
              ("three", "three3"), ("four", "five4")]
    SAMPLES["three3"] = [1.0, 5.0, 2.0]
    SAMPLES["five4"] = [1.0, 4.0, 2.0, 2.0]
    tables = [[[12, 5], [29, 2]], [[3, 1], [1, 3]], [[200, 180], [300, 310]], [[0, 5], [8, 3]], [[1200, 1300], [90000, 101000]],
              [[10, 10], [10, 10]], [[40, 2], [3, 50]]]
    wide = [[12, 30, 8], [9, 41, 3], [20, 22, 15]]
    triples = [("normal", "follows", "twelve"), ("skewed", "ties", "five"), ("eleven", "twelve", "four")]
    shares = [[0.2, 0.4, 0.6, 0.8, 1.0], [0.1, 0.15, 0.7, 0.9], [1.0]]
    powers = [(20, 20, 0.5, 0.05), (5, 8, 1.2, 0.01), (2, 2, 3.0, 0.05), (400, 350, 0.1, 0.05), (100000, 90000, 0.01, 0.05),
              (64, 64, 0.0, 0.05), (12, 30, -0.8, 0.1)]
    return {
        "scipy": scipy.__version__,
        "samples": SAMPLES,
        "describe": {k: [value(v) for v in describe(x)] for k, x in SAMPLES.items()},
        "outliers": {k: [int(v) for v in outliers(SAMPLES[k])] for k in ("normal", "skewed", "heavy", "many", "ties")},
        "shapiro": {k: [value(v) for v in stats.shapiro(x)] for k, x in SAMPLES.items()},
        "mann_kendall": {k: [value(v) for v in mann_kendall(x)] for k, x in SAMPLES.items()},
        "durbin_watson": {k: [value(v) for v in durbin_watson(SAMPLES[k])] for k in
                          ("four", "five", "eleven", "normal", "skewed", "ties", "order")},
        "two": [[a, b, [value(v) for v in two_samples(SAMPLES[a], SAMPLES[b])]] for a, b in two],
        "pairs": [[a, b, [value(v) for v in pairs(SAMPLES[a], SAMPLES[b])]] for a, b in paired],
        "levene": [[list(names), [value(v) for centre in ("mean", "median") for v in
                    stats.levene(*[SAMPLES[k] for k in names], center=centre)] +
                    [value(v) for v in stats.f_oneway(*[SAMPLES[k] for k in names])]] for names in triples],
        "tables": [[t, [value(v) for yates in (True, False) for v in stats.chi2_contingency(t, correction=yates)[:3]] +
                    [value(v) for v in stats.fisher_exact(t)]] for t in tables],
        "wide": [wide, [value(v) for v in stats.chi2_contingency(wide)[:3]]],
        "power": [[n1, n2, d, alpha, value(power(n1, n2, d, alpha))] for n1, n2, d, alpha in powers],
        "boundaries": [[s, alpha, name, boundaries(s, alpha, name)] for s in shares for alpha in (0.05, 0.01)
                       for name in ("OBRIEN_FLEMING", "POCOCK")],
    }


def tails():
    """kind, first parameter, second, argument, value: 60 digits rounded to a double."""
    mp = mpmath.mpf

    def student(degrees, t):
        square = mp(t) ** 2
        return mpmath.betainc(mp(degrees) / 2, 0.5, 0, mp(degrees) / (mp(degrees) + square), regularized=True)

    def fisher(between, within, f):
        x = mp(within) / (mp(within) + mp(between) * mp(f))
        return mpmath.betainc(mp(within) / 2, mp(between) / 2, 0, x, regularized=True)

    rows = []
    for degrees in (1, 2.5, 7, 30, 1000, 1e5, 1e7):
        for t in (0.001, 0.5, 1.96, 4.0, 12.0):
            rows.append(("student", degrees, 0, t, student(degrees, t)))
    for between, within, f in ((1, 4, 3.0), (3, 40, 0.2), (8, 180, 21.0), (5, 1e6, 3.5), (2000, 3000, 1.2), (8, 18000, 0.01)):
        rows.append(("fisher", between, within, f, fisher(between, within, f)))
    for degrees, x in ((1, 0.01), (1, 30.0), (2, 5.0), (9, 3.0), (9, 80.0), (500, 610.0), (1e6, 1003000.0)):
        rows.append(("chi_square", degrees, 0, x, mpmath.gammainc(mp(degrees) / 2, mp(x) / 2, mpmath.inf, regularized=True)))
    for z in (0.0, 0.1, 1.0, 3.0, 8.0, 20.0, 36.0):
        rows.append(("normal", 0, 0, z, mpmath.erfc(mp(z) / mpmath.sqrt(2)) / 2))
    return rows


if __name__ == "__main__":
    (HERE / "reference.json").write_text(json.dumps(reference()) + "\n")
    lines = [f"{kind},{a},{b},{x!r},{float(v)!r}" for kind, a, b, x, v in tails()]
    (HERE / "tails.csv").write_text("kind,a,b,x,value\n" + "\n".join(lines) + "\n")
