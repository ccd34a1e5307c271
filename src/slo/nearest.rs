//! A misspelt word and the words that exist in; the one that was probably meant out.

/// The nearest of `words`, if it is near enough to be a slip: at most a third of the letters changed.
///
/// Distance is Damerau-Levenshtein with adjacent transpositions (optimal string alignment), case ignored.
pub fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let (distance, best) =
        words.into_iter().map(|w| (distance(&lower, &w.to_lowercase()), w)).min_by_key(|(d, _)| *d)?;
    let longest = word.chars().count().max(best.chars().count());
    (distance * 3 <= longest.max(3)).then_some(best)
}

fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_slips_and_leaves_strangers_alone() {
        let words = ["operation", "description", "name"];
        assert_eq!(nearest("opreation", words), Some("operation"));
        assert_eq!(nearest("Name", words), Some("name"));
        assert_eq!(nearest("latency", words), None);
        assert_eq!(nearest("x", []), None);
    }
}
