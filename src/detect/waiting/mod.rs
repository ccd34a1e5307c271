//! Waiting that nobody asked for: blocked executors, small reads and writes, polls, retries.

pub mod await_in_loop;
pub mod awaits_in_sequence;
pub mod block_on_in_async;
pub mod blocking_handle_in_async;
pub mod blocking_helper;
pub mod blocking_in_async;
pub mod blocking_task;
pub mod pause_after_last_try;
pub mod poll_of_handle;
pub mod poll_of_own_state;
pub mod poll_with_sleep;
pub mod recv_by_polling;
pub mod retry_without_pause;
pub mod runtime_in_loop;
pub mod runtime_per_call;
pub mod sleep_in_async;
pub mod thread_joined_in_async;
pub mod unbuffered_lent_file;
pub mod unbuffered_reads;
pub mod unbuffered_stream;
pub mod unbuffered_writes;
