//! Types in, layouts that spend cache lines out.

pub mod byte_map;
pub mod cold_array_inline;
pub mod contended_atomics;
pub mod dense_map;
pub mod large_by_value;
pub mod large_copy_read;
pub mod large_error;
pub mod large_option;
pub mod large_variant;
pub mod linked_list;
pub mod order_unasked;
pub mod repr_c_holes;
pub mod vec_of_boxes;
pub mod walk_across_rows;
pub mod worker_atomics;
