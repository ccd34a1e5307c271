//! Copies that nobody needs.

pub mod buffer_per_round;
pub mod changed_copy_put_back;
pub mod clone_at_last_use;
pub mod clone_for_reference;
pub mod clone_of_best;
pub mod clone_of_iterated;
pub mod clone_then_read;
pub mod cloned_iterator;
pub mod collect_then_join;
pub mod collect_then_loop;
pub mod collected_for_one;
pub mod collected_to_be_asked;
pub mod copied_from_owned_list;
pub mod copied_keys;
pub mod copied_out_of_map;
pub mod copied_to_convert;
pub mod copy_to_read;
pub mod missing_capacity;
pub mod option_copied;
pub mod push_format;
pub mod set_for_one_question;
pub mod take_instead_of_clone;
