//! Nested loops that walk a table across its rows.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::walks::walks;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("walk-across-rows"),
    eye: Eye::Layout,
    kind: Kind::CacheLayout,
    class: Class::A,
    title: "table walked across its rows",
    explain: EXPLAIN,
    triggers: &["for"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds two loops around one `sums[field] += cells[row * width + field]` (or `cells[row][field]`) of which the inner one counts the rows.

## Why it costs

Each step of the inner loop goes a whole row on: it loads a cache line for one element, and the line is gone before its next element is
asked for. Along the rows each line is loaded once and used whole, and several elements are added at once.

## Before

```rust
for field in 0..fields {
    for row in 0..rows {
        totals[field] += cells[row * fields + field];
    }
}
```

## After

```rust
for row in 0..rows {
    for field in 0..fields {
        totals[field] += cells[row * fields + field];
    }
}
```

Each sum gets the same parts in the same order, so that floats come out the same to the last bit.

## When it is refused

The inner range depends on the outer loop; the sum is not told apart by the outer counter alone; the sums are read as well; something is
called that may do more than compute; swapped, another table would be walked across its rows; what is indexed is no list of std (asked of
rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let message = "each step of the inner loop loads a cache line for one element";
    walks(file).iter().map(|walk| Fact::at(file, file.range(walk.outer)).note("message", message)).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_walks_across_rows() {
        for text in [
            "fn f(t: &mut [u64], c: &[u32], w: usize, h: usize) { $0for x in 0..w { for y in 0..h { t[x] += u64::from(c[y * w + x]); } }$0 }",
            "fn f(&self) { let mut t = vec![0; self.w]; $0for x in 0..self.w { for y in 0..self.h { t[x] += self.c[y * self.w + x]; } }$0 t }",
            "fn f(t: &mut [f64], m: &[Vec<f64>]) { $0for j in 0..4 { for i in 0..m.len() { t[j] += m[i][j] * 2.0; } }$0 }",
            "fn f(c: &mut [f64], a: &[f64], b: &[f64], n: usize) { for i in 0..n { $0for j in 0..n { for k in 0..n { c[i * n + j] += a[i * n + k] * b[k * n + j]; } }$0 } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Along the rows already, or across either way.
                "fn f() { for y in 0..h { for x in 0..w { t[x] += c[y * w + x]; } } }",
                "fn f() { for y in 0..h { for x in 0..w { t[y] += c[y * w + x]; } } }",
                "fn f() { for x in 0..w { for y in 0..h { t[x] += c[y * w + x] * d[x * h + y]; } } }",
                "fn f() { for j in 0..4 { for i in 0..4 { t[j] += m[j][i]; } } }",
                // The ranges hang together, or the sums do not only belong to the outer counter.
                "fn f() { for x in 0..w { for y in 0..x { t[x] += c[y * w + x]; } } }",
                "fn f() { for x in 0..w { for y in 0..h { t[x / 2] += c[y * w + x]; } } }",
                "fn f() { for x in 0..w { for y in 0..h { t[x + y] += c[y * w + x]; } } }",
                "fn f() { for x in 0..w { for y in 0..h { t += c[y * w + x]; } } }",
                "fn f() { for x in 0..w { for y in 0..h { t[x] = c[y * w + x]; } } }",
                // More is done, or looked at.
                "fn f() { for x in 0..w { for y in 0..h { t[x] += c[y * w + x]; n += 1; } } }",
                "fn f() { for x in 0..w { for y in 0..h { t[x] += read(c[y * w + x]); } } }",
                "fn f() { for x in 0..w { for y in 0..h { t[x] += t[y * w + x]; } } }",
                "fn f() { for x in 0..w { for y in 0..h { t[x] += c[y * w + x]?; } } }",
                "fn f() { for x in 0..w { for y in rows() { t[x] += c[y * w + x]; } } }",
                "fn f() { for x in 0..w { init(x); for y in 0..h { t[x] += c[y * w + x]; } } }",
                "fn f() { 'a: for x in 0..w { for y in 0..h { t[x] += c[y * w + x]; } } }",
            ],
        );
    }
}
