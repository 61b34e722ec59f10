#!/usr/bin/env python3
"""Batches of goods for bins, and what OR-Tools CP-SAT and HiGHS make of them.

Writes target/peers/putaway/<lines>x<bins>-<seed>.json: the batch as arrays, and one entry per solver with objective, bound and
CPU seconds. The example `putaway` of the crate optimization reads these files and prints its own figures beside.

A batch: lines with volume, weight, velocity class, zone and hazard; bins with free volume and weight, distance, zone, leave for
hazardous goods, and whether they are empty. Every line goes whole into one bin, within volume and weight. It costs
floor(velocity * distance / 10), 500 more in another zone, and 300 for every empty bin that is opened.
PCG64 with the seed makes the same batch everywhere.
"""

import argparse
import json
import pathlib
import time

import numpy as np
import scipy.sparse as sp
from ortools.sat.python import cp_model
from scipy.optimize import Bounds, LinearConstraint, milp

ZONE_COST, OPENING_COST = 500, 300
SETS = {"small": (50, 500, range(1, 21)), "wide": (50, 5000, range(1, 21)), "large": (200, 5000, range(1, 4)), "huge": (1000, 20000, range(1, 4))}


def batch(lines, bins, seed):
    """The draws come in a fixed order, which is part of what a seed means."""
    draw = np.random.Generator(np.random.PCG64(seed))
    volume = draw.integers(5, 80, lines)
    weight = draw.integers(2, 120, lines)
    velocity = draw.choice([1, 3, 10], lines, p=[0.5, 0.3, 0.2])
    zone = draw.integers(0, 5, lines)
    hazard = draw.random(lines) < 0.06
    roomy = np.where(draw.random(bins) < 0.35, draw.integers(20, 200, bins), 0)
    empty = draw.random(bins) < 0.25
    free_volume = np.where(empty, 200, np.where(roomy == 0, draw.integers(5, 60, bins), roomy))
    free_weight = np.where(empty, 400, draw.integers(20, 300, bins))
    distance = draw.integers(10, 400, bins)
    bin_zone = draw.integers(0, 5, bins)
    bin_hazard = draw.random(bins) < 0.10
    line_columns = dict(volume=volume, weight=weight, velocity=velocity, zone=zone, hazard=hazard)
    bin_columns = dict(volume=free_volume, weight=free_weight, distance=distance, zone=bin_zone, hazard=bin_hazard, empty=empty)
    return line_columns, bin_columns


class Model:
    """Costs of all pairs, and the pairs that a solver gets: all, or the cheapest of each line counted with and without opening."""

    def __init__(self, lines, bins, keep):
        self.lines, self.bins = lines, bins
        self.n, self.m = len(lines["volume"]), len(bins["volume"])
        fits = (lines["volume"][:, None] <= bins["volume"]) & (lines["weight"][:, None] <= bins["weight"])
        allowed = fits & (~lines["hazard"][:, None] | bins["hazard"])
        self.cost = lines["velocity"][:, None] * bins["distance"] // 10 + ZONE_COST * (lines["zone"][:, None] != bins["zone"])
        self.opening = np.where(bins["empty"], OPENING_COST, 0)
        self.pairs = allowed
        if keep:
            kept = np.zeros_like(allowed)
            for extra in (0, self.opening):
                ranked = np.argsort(np.where(allowed, self.cost + extra, 1 << 30), axis=1, kind="stable")[:, :keep]
                np.put_along_axis(kept, ranked, True, axis=1)
            self.pairs = allowed & kept
        self.rows, self.columns = np.nonzero(self.pairs)

    def greedy(self):
        """The largest line first, each to the cheapest bin: a start for CP-SAT."""
        volume, weight = self.bins["volume"].copy(), self.bins["weight"].copy()
        opened, chosen = np.zeros(self.m, bool), {}
        for line in np.argsort(-self.lines["volume"] / 200 - self.lines["weight"] / 400):
            fits = self.pairs[line] & (self.lines["volume"][line] <= volume) & (self.lines["weight"][line] <= weight)
            if not fits.any():
                return None
            total = np.where(fits, self.cost[line] + np.where(opened, 0, self.opening), 1 << 30)
            place = int(np.argmin(total))
            chosen[int(line)] = place
            opened[place] = True
            volume[place] -= self.lines["volume"][line]
            weight[place] -= self.lines["weight"][line]
        return chosen

    def value(self, chosen):
        opened = sum(int(self.opening[place]) for place in set(chosen.values()))
        return opened + sum(int(self.cost[line, place]) for line, place in chosen.items())


def cp_sat(model, limit):
    cp = cp_model.CpModel()
    chosen = {(int(i), int(j)): cp.new_bool_var("") for i, j in zip(model.rows, model.columns)}
    by_line, by_bin, opened = {}, {}, {}
    for (i, j), variable in chosen.items():
        by_line.setdefault(i, []).append(variable)
        by_bin.setdefault(j, []).append((i, variable))
    for variables in by_line.values():
        cp.add_exactly_one(variables)
    for j, inside in by_bin.items():
        for what in ("volume", "weight"):
            cp.add(sum(int(model.lines[what][i]) * variable for i, variable in inside) <= int(model.bins[what][j]))
        if model.opening[j]:
            opened[j] = cp.new_bool_var("")
            for _, variable in inside:
                cp.add_implication(variable, opened[j])
    travel = sum(int(model.cost[i, j]) * variable for (i, j), variable in chosen.items())
    cp.minimize(travel + sum(int(model.opening[j]) * variable for j, variable in opened.items()))
    for pair in (model.greedy() or {}).items():
        cp.add_hint(chosen[pair], 1)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit
    solver.parameters.num_workers = 1
    status = solver.solve(cp)
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return (solver.objective_value if found else None), solver.best_objective_bound, status == cp_model.OPTIMAL


def highs(model, limit):
    pairs, empties = len(model.rows), np.nonzero(model.opening)[0]
    place_of = {int(j): pairs + k for k, j in enumerate(empties)}
    width = pairs + len(empties)
    at = np.arange(pairs)
    cost = np.concatenate([model.cost[model.rows, model.columns], model.opening[empties]]).astype(float)
    once = sp.csr_matrix((np.ones(pairs), (model.rows, at)), (model.n, width))
    constraints = [LinearConstraint(once, 1, 1)]
    for what in ("volume", "weight"):
        capacity = model.bins[what].astype(float)
        used = sp.csr_matrix((model.lines[what][model.rows].astype(float), (model.columns, at)), (model.m, width))
        opening = sp.csr_matrix((-capacity[empties], (empties, pairs + np.arange(len(empties)))), (model.m, width))
        constraints.append(LinearConstraint(used + opening, -np.inf, np.where(model.opening > 0, 0, capacity)))
    linked = [k for k in range(pairs) if int(model.columns[k]) in place_of]
    rows = np.arange(len(linked))
    link = sp.csr_matrix((np.ones(len(linked)), (rows, linked)), (len(linked), width))
    link -= sp.csr_matrix((np.ones(len(linked)), (rows, [place_of[int(model.columns[k])] for k in linked])), (len(linked), width))
    constraints.append(LinearConstraint(link, -np.inf, 0))
    answer = milp(cost, constraints=constraints, integrality=np.ones(width), bounds=Bounds(0, 1), options=dict(time_limit=limit, mip_rel_gap=0))
    return (None if answer.x is None else float(answer.fun)), answer.mip_dual_bound, answer.status == 0


def measure(name, solve, model, keep, limit):
    cpu, wall = time.process_time(), time.perf_counter()
    objective, bound, proven = solve(model, limit)
    return dict(
        solver=name, cheapest_per_line=keep or None, limit_s=limit, objective=objective, bound=bound, proven=bool(proven),
        cpu_s=round(time.process_time() - cpu, 4), wall_s=round(time.perf_counter() - wall, 4),
    )


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=pathlib.Path, default=pathlib.Path("target/peers/putaway"))
    options.add_argument("--only", choices=SETS, action="append")
    options.add_argument("--limit", type=float, default=20, help="seconds per solver and large batch; small ones run to the optimum")
    asked = options.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in asked.only or SETS:
        lines, bins, seeds = SETS[name]
        for seed in seeds:
            line_columns, bin_columns = batch(lines, bins, seed)
            keep = {"small": 0, "wide": 80, "large": 80, "huge": None}[name]
            peers = []
            if keep is not None:
                model = Model(line_columns, bin_columns, keep)
                solvers = [("HiGHS", highs)] if name == "large" else [("CP-SAT", cp_sat), ("HiGHS", highs)]
                limit = asked.limit if name == "large" else 600
                peers = [measure(solver, solve, model, keep, limit) for solver, solve in solvers]
            columns = lambda table: {key: column.tolist() for key, column in table.items()}
            file = asked.out / f"{lines}x{bins}-{seed:02}.json"
            document = dict(seed=seed, lines=columns(line_columns), bins=columns(bin_columns), peers=peers)
            file.write_text(json.dumps(document))
            print(file, *(f"{peer['solver']} {peer['objective']} in {peer['cpu_s']} s" for peer in peers), flush=True)


if __name__ == "__main__":
    main()
