//! Locks held longer, wider or oftener than needed.

pub mod copy_under_guard;
pub mod fields_under_guard;
pub mod guard_across_work;
pub mod guard_idle_between;
pub mod guard_over_loop;
pub mod lock_per_item;
pub mod lock_taken_early;
pub mod lock_taken_twice;
pub mod mutex_mostly_read;
pub mod mutex_number;
pub mod temporary_guard_over_work;
pub mod write_lock_only_read;
