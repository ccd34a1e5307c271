//! How many things there are and whether a part of them fails in; a part that fails and has no smaller one in it out.

/// A part that still fails and of which nothing can be left out, by delta debugging (ddmin of Zeller and Hildebrandt,
/// "Simplifying and Isolating Failure-Inducing Input", 2002): halves first, then finer parts and their complements.
///
/// All of them together must fail. `fails` is asked at most a quadratic number of times, seldom more than a few.
///
/// # Errors
/// What `fails` says.
pub fn minimal<E>(items: usize, mut fails: impl FnMut(&[usize]) -> Result<bool, E>) -> Result<Vec<usize>, E> {
    let mut left: Vec<usize> = (0..items).collect();
    let mut parts = 2;
    while left.len() > 1 {
        let chunk = left.len().div_ceil(parts);
        let chunks: Vec<Vec<usize>> = left.chunks(chunk).map(<[usize]>::to_vec).collect();
        if let Some(part) = first_failing(&chunks, &mut fails)? {
            (left, parts) = (part, 2);
            continue;
        }
        let rest = |out: &Vec<usize>| left.iter().copied().filter(|i| !out.contains(i)).collect::<Vec<usize>>();
        let complements: Vec<Vec<usize>> = chunks.iter().map(rest).collect();
        // Of two halves each is the other's complement, and both were asked.
        let smaller = if chunks.len() > 2 { first_failing(&complements, &mut fails)? } else { None };
        match smaller {
            Some(part) => (left, parts) = (part, (parts - 1).max(2)),
            None if chunk == 1 => break,
            None => parts = (parts * 2).min(left.len()),
        }
    }
    Ok(left)
}

fn first_failing<E>(
    parts: &[Vec<usize>],
    fails: &mut impl FnMut(&[usize]) -> Result<bool, E>,
) -> Result<Option<Vec<usize>>, E> {
    for part in parts {
        if fails(part)? {
            return Ok(Some(part.clone()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found where exactly these together fail, and how often was asked.
    #[track_caller]
    fn check(items: usize, culprits: &[usize], most: usize) {
        let mut asked = 0;
        let found = minimal::<()>(items, |part| {
            asked += 1;
            assert!(!part.is_empty() && part.len() < items, "nothing and everything are known");
            Ok(culprits.iter().all(|c| part.contains(c)))
        });
        assert_eq!(found, Ok(culprits.to_vec()));
        assert!(asked <= most, "{asked} questions for {culprits:?} of {items}");
    }

    #[test]
    fn one_of_many_is_found_by_halves() {
        for culprit in 0..16 {
            check(16, &[culprit], 8);
        }
        check(1, &[0], 0);
    }

    #[test]
    fn two_that_fail_only_together_are_both_found() {
        check(2, &[0, 1], 2);
        for (a, b) in [(0, 1), (0, 7), (3, 4), (6, 7)] {
            check(8, &[a, b], 40);
        }
        check(9, &[0, 4, 8], 80);
    }

    #[test]
    fn of_two_reasons_one_is_found_whole() {
        let pairs = [[1, 6], [2, 3]];
        let fails = |part: &[usize]| pairs.iter().any(|p| p.iter().all(|c| part.contains(c)));
        let found = minimal::<()>(8, |part| Ok(fails(part))).unwrap();
        assert!(pairs.iter().any(|p| p[..] == found[..]), "{found:?}");
    }

    #[test]
    fn what_cannot_be_asked_ends_the_search() {
        assert_eq!(minimal(4, |_| Err("cancelled")), Err("cancelled"));
    }
}
