DROP TABLE warehouse.slotting_plan_moves, warehouse.slotting_plans, warehouse.utilization_snapshots, warehouse.item_affinities,
    warehouse.item_velocities, warehouse.slotting_settings;
