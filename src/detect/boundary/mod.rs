//! Functions in, costs at the boundary of the process out.

pub mod compare_json_texts;
pub mod digit_through_text;
pub mod eager_log_text;
pub mod flush_in_loop;
pub mod flush_per_call;
pub mod folder_made_in_loop;
pub mod json_round_trip;
pub mod json_text_then_write;
pub mod json_through_text;
pub mod json_through_value;
pub mod log_only_value;
pub mod number_through_text;
pub mod numbers_compared_as_text;
pub mod open_in_loop;
pub mod open_per_call;
pub mod path_through_text;
pub mod println_in_loop;
pub mod sync_in_loop;
pub mod tree_cloned_to_be_read;
pub mod tree_for_fields;
pub mod value_for_one_field;
