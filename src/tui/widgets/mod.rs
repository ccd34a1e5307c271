//! Pieces of screens that draw only the rows that can be seen.

pub mod code;
pub mod diff;
pub mod flame;
pub mod histogram;
pub mod input;
pub mod proposal_list;
pub mod spans;
pub mod split_table;
pub mod timing;

use super::state::Page;

/// The first row to show so that the cursor is visible with a little around it, moving as little as possible.
pub fn top_for(page: Page, cursor: usize, count: usize, height: usize) -> usize {
    if height == 0 {
        return 0;
    }
    let margin = (height / 6).min(3);
    let lowest = (cursor + margin + 1).min(count).saturating_sub(height);
    let highest = cursor.saturating_sub(margin);
    let top = page.top.clamp(lowest.min(highest), highest.max(lowest));
    top.min(count.saturating_sub(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_always_inside_the_page() {
        for height in 1..30 {
            for count in [1, 5, 29, 300] {
                for cursor in 0..count {
                    for top in [0, 3, 250, 1000] {
                        let t = top_for(Page { top, height }, cursor, count, height);
                        assert!(t <= cursor && cursor < t + height, "{height} {count} {cursor} {top} -> {t}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_page_that_shows_the_cursor_stays_where_it_is() {
        assert_eq!(top_for(Page { top: 10, height: 12 }, 16, 100, 12), 10);
    }
}
