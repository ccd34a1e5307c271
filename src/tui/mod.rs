//! The workbench: one state, `update` and `view` over it, two worker lanes.
