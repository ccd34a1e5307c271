//! Wrong versions of real functions, most of which pass the tests that are there: the ladder refutes them and says by
//! which rung; and right versions, of which it refutes none.
//!
//! A few of each run with all tests; all of them with
//! `cargo test --test it -- --ignored wrong_rewrites --nocapture`, which calls old and new on made inputs, too.

use std::collections::BTreeMap;

use refit::jobs::{Ear, ProveOptions, prove};
use refit::model::*;

use crate::verify::{UNMEASURED, open, proposal, tiny_with};

const LIB: &str = include_str!("fixtures/ledger/lib.rs");

/// What is wrong, what it replaces, and the wrong code. The first few run with all tests.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "order lost",
        "let part = part.trim();\n        if !part.is_empty() {\n            out.push(part.to_string());\n        }\n    }\n    out",
        "let part = part.trim();\n        if !part.is_empty() {\n            out.push(part.to_string());\n        }\n    }\n    out.sort();\n    out.dedup();\n    out.reverse();\n    out",
    ),
    ("dropped side effect", "self.history.push((self.day, account.to_string(), cents));\n", ""),
    ("panic without the code", "None => panic!(\"no name for {code}\"),", "None => panic!(\"no name\"),"),
    (
        "unstable order",
        "sorted.sort_by(|a, b| b.1.cmp(&a.1));",
        "sorted.sort_by(|a, b| a.1.cmp(&b.1));\n    sorted.reverse();",
    ),
    (
        "float order",
        "Some(values.iter().sum::<f64>() / values.len() as f64)",
        "Some(values.iter().rev().sum::<f64>() / values.len() as f64)",
    ),
    (
        "wrong overflow",
        "base.saturating_mul(2u64.saturating_pow(attempt))",
        "base.wrapping_mul(2u64.saturating_pow(attempt))",
    ),
    ("blanks kept", "let part = part.trim();", "let part = part.trim_start();"),
    ("empty fields kept", "if !part.is_empty() {", "if !part.is_empty() || line.is_empty() {"),
    (
        "bytes for letters",
        "name.split_whitespace().filter_map(|w| w.chars().next()).flat_map(char::to_uppercase).collect()",
        "name.split_whitespace().filter_map(|w| w.bytes().next()).map(|b| char::from(b).to_ascii_uppercase()).collect()",
    ),
    ("one letter of a capital", ".flat_map(char::to_uppercase)", ".filter_map(|c| c.to_uppercase().next())"),
    ("ASCII capitals alone", ".flat_map(char::to_uppercase)", ".map(|c| c.to_ascii_uppercase())"),
    ("blanks kept inside", "*text = words.join(\" \");", "*text = words.join(\"  \");"),
    (
        "capitals kept",
        "text.split_whitespace().map(str::to_lowercase)",
        "text.split_whitespace().map(|w| w[..1].to_lowercase() + &w[1..])",
    ),
    ("one sign forgotten", "            '&' => out.push_str(\"&amp;\"),\n", ""),
    ("escaped twice", "'&' => out.push_str(\"&amp;\"),", "'&' => out.push_str(\"&amp;amp;\"),"),
    ("wrong sign", "'>' => out.push_str(\"&gt;\"),", "'>' => out.push_str(\"&lt;\"),"),
    ("one letter more", "text.char_indices().nth(letters)", "text.char_indices().nth(letters + 1)"),
    (
        "bytes for letters again",
        "match text.char_indices().nth(letters) {\n        Some((at, _)) => &text[..at],\n        None => text,\n    }",
        "text.get(..letters).unwrap_or(text)",
    ),
    ("nothing shortened to nothing", "Some((at, _)) => &text[..at],", "Some((at, _)) => &text[..at.max(1)],"),
    (
        "rounded down",
        "(share * sorted.len() as f64).ceil() as usize",
        "(share * sorted.len() as f64).floor() as usize + 1",
    ),
    ("another start", "let mut sum: u32 = 17;", "let mut sum: u32 = 7;"),
    (
        "order of operations",
        "sum = sum.wrapping_mul(31).wrapping_add(u32::from(*byte));",
        "sum = sum.wrapping_add(u32::from(*byte)).wrapping_mul(31);",
    ),
    ("saturating for wrapping", "sum.wrapping_mul(31)", "sum.saturating_mul(31)"),
    (
        "first only",
        "values.windows(n).map(|w| w.iter().sum()).collect()",
        "values.windows(n).map(|w| w[0] + w[w.len() - 1]).rev().collect()",
    ),
    ("chunks for windows", "values.windows(n)", "values.chunks(n)"),
    ("another panic", "\"a window of nothing\"", "\"a window of none\""),
    (
        "a rest forgotten",
        "    all.extend_from_slice(&a[i..]);\n    all.extend_from_slice(&b[j..]);",
        "    if i < a.len() {\n        all.extend_from_slice(&a[i..]);\n    } else {\n        all.extend_from_slice(&b[j..]);\n    }\n    all.dedup();",
    ),
    (
        "equal ones dropped",
        "all.push(a[i]);\n            i += 1;",
        "all.push(a[i]);\n            j += usize::from(a[i] == b[j]);\n            i += 1;",
    ),
    ("nothing for none", "    if values.is_empty() {\n        return None;\n    }\n", ""),
    (
        "a NaN passed on",
        "fold(f64::NEG_INFINITY, f64::max)",
        "fold(f64::NEG_INFINITY, |a, b| if a > b { a } else { b })",
    ),
    ("another lowest", "f64::NEG_INFINITY", "f64::MIN"),
    (
        "zero for nothing",
        "values.iter().copied().fold(f64::NEG_INFINITY, f64::max)",
        "values.iter().copied().reduce(f64::max).unwrap_or(0.0)",
    ),
    (
        "other characters counted",
        "digits.chars().rev().filter_map(|c| c.to_digit(10)).enumerate()",
        "digits.chars().rev().enumerate().filter_map(|(i, c)| Some((i, c.to_digit(10)?)))",
    ),
    ("one attempt less", "for attempt in 0..attempts {", "for attempt in 1..attempts + 1 {"),
    ("another limit", ".min(10_000)", ".min(100_000)"),
    (
        "a limit forgotten",
        "base.saturating_mul(2u64.saturating_pow(attempt)).min(10_000)",
        "base.saturating_mul(2u64.saturating_pow(attempt))",
    ),
    (
        "smallest first",
        "values.sort_unstable_by(|a, b| b.cmp(a));\n    values.truncate(n);",
        "values.sort_unstable_by(|a, b| b.cmp(a));\n    values.truncate(n);\n    values.reverse();",
    ),
    ("equal ones dropped from the top", "values.truncate(n);", "values.dedup();\n    values.truncate(n);"),
    ("one too many", "values.sort_unstable_by(|a, b| b.cmp(a));", "values.sort_unstable();"),
    (
        "last comes first",
        "None => sums.push((name.clone(), *amount)),",
        "None => sums.insert(0, (name.clone(), *amount)),",
    ),
    ("overwritten", "Some((_, sum)) => *sum += amount,", "Some((_, sum)) => *sum = *amount,"),
    (
        "nothing dropped",
        "None => sums.push((name.clone(), *amount)),",
        "None if *amount == 0 => {}\n            None => sums.push((name.clone(), *amount)),",
    ),
    (
        "an order that changes",
        "        match sums.iter_mut().find(|(n, _)| n == name) {\n            Some((_, sum)) => *sum += amount,\n            None => sums.push((name.clone(), *amount)),\n        }\n    }\n    sums",
        "        match sums.iter_mut().find(|(n, _)| n == name) {\n            Some((_, sum)) => *sum += amount,\n            None => sums.push((name.clone(), *amount)),\n        }\n    }\n    sums.into_iter().collect::<HashMap<_, _>>().into_iter().collect()",
    ),
    (
        "doubled ones dropped",
        "let came = new.iter().filter(|n| !old.contains(n)).cloned().collect();",
        "let mut came: Vec<String> = new.iter().filter(|n| !old.contains(n)).cloned().collect();\n    came.dedup();",
    ),
    ("sides swapped", "(came, went)\n", "(went, came)\n"),
    ("the last of equals", "table.iter().find(|(c, _)| *c == code)", "table.iter().rev().find(|(c, _)| *c == code)"),
    ("nothing for a panic", "None => panic!(\"no name for {code}\"),", "None => \"\","),
    (
        "order by name",
        "sorted.sort_by(|a, b| b.1.cmp(&a.1));",
        "sorted.sort_by(|a, b| b.1.cmp(&a.1).then(b.0.cmp(&a.0)));",
    ),
    ("an error without its cause", "format!(\"no cents in {text:?}\")", "format!(\"no cents in {text}\")"),
    (
        "a check too late",
        "    if cents.len() != 2 {\n        return Err(format!(\"{} digits of cents\", cents.len()));\n    }\n    let whole: u64 = whole.parse().map_err(|_| format!(\"no number: {whole}\"))?;",
        "    let whole: u64 = whole.parse().map_err(|_| format!(\"no number: {whole}\"))?;\n    if cents.is_empty() || cents.len() > 2 {\n        return Err(format!(\"{} digits of cents\", cents.len()));\n    }\n    if cents.len() != 2 {\n        return Err(String::from(\"digits\"));\n    }",
    ),
    ("a shadowed name", "map_err(|_| format!(\"no cents: {cents}\"))", "map_err(|_| format!(\"no cents: {whole}\"))"),
    ("a count forgotten", "            self.refused += 1;\n", ""),
    (
        "written before the check",
        "        if after < 0 {",
        "        self.balances.insert(account.to_string(), after.max(0));\n        if after < 0 {",
    ),
    ("another sign", "format!(\"{account} lacks {}\", -after)", "format!(\"{account} lacks {after}\")"),
    ("another day", "self.history.push((self.day, ", "self.history.push((self.day + 1, "),
    ("a day too few", "*day >= before", "*day > before"),
    ("what is left for what went", "        len - self.history.len()\n", "        len.min(self.history.len())\n"),
    ("time runs backwards", "self.last = self.last.max(now);", "self.last = now;"),
    ("time forgotten", "        self.last = self.last.max(now);\n", ""),
    ("more than the most", "(self.tokens + gained).min(self.most)", "self.tokens + gained"),
    // The tests catch these.
    ("lost panic", "assert!(n > 0, \"a window of nothing\");\n    values.windows(n)", "values.windows(n.max(1))"),
    (
        "off by one",
        "sorted[rank.clamp(1, sorted.len()) - 1]",
        "sorted[rank.clamp(1, sorted.len() - 1).min(sorted.len() - 1)]",
    ),
    ("lost check of nothing", "    if sorted.is_empty() {\n        return 0;\n    }\n", ""),
    ("wrong side", "digits.chars().rev()", "digits.chars()"),
    ("nine forgotten", "if twice > 9 { twice - 9 }", "if twice > 10 { twice - 9 }"),
];

/// Right versions: what they replace, and with what.
const RIGHT: &[(&str, &str)] = &[
    (
        "    let mut out = Vec::new();\n    for part in line.split(',') {\n        let part = part.trim();\n        if !part.is_empty() {\n            out.push(part.to_string());\n        }\n    }\n    out",
        "    line.split(',').map(str::trim).filter(|p| !p.is_empty()).map(String::from).collect()",
    ),
    (
        "    let mut sums: Vec<(String, u64)> = Vec::new();\n    for (name, amount) in items {\n        match sums.iter_mut().find(|(n, _)| n == name) {\n            Some((_, sum)) => *sum += amount,\n            None => sums.push((name.clone(), *amount)),\n        }\n    }",
        "    let mut sums: Vec<(String, u64)> = Vec::new();\n    let mut places: HashMap<&str, usize> = HashMap::new();\n    for (name, amount) in items {\n        let at = *places.entry(name).or_insert(sums.len());\n        if at == sums.len() {\n            sums.push((name.clone(), 0));\n        }\n        sums[at].1 += amount;\n    }",
    ),
    (
        "values.iter().copied().fold(f64::NEG_INFINITY, f64::max)",
        "values.iter().filter(|v| !v.is_nan()).fold(f64::NEG_INFINITY, |a, b| if *b > a { *b } else { a })",
    ),
    (
        "        let len = self.history.len();\n        self.history.retain(|(day, _, _)| *day >= before);\n        len - self.history.len()",
        "        let mut gone = 0;\n        self.history.retain(|(day, _, _)| {\n            let stays = *day >= before;\n            gone += usize::from(!stays);\n            stays\n        });\n        gone",
    ),
    (
        "let balance = self.balances.get(account).copied().unwrap_or(0);",
        "let balance = self.balances.get(account).map_or(0, |b| *b);",
    ),
    (
        "    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();\n    *text = words.join(\" \");",
        "    let mut small = String::with_capacity(text.len());\n    for word in text.split_whitespace() {\n        if !small.is_empty() {\n            small.push(' ');\n        }\n        small.push_str(&word.to_lowercase());\n    }\n    *text = small;",
    ),
    // The rest runs on demand.
    (
        "let rank = (share * sorted.len() as f64).ceil() as usize;\n    sorted[rank.clamp(1, sorted.len()) - 1]",
        "let rank = (share * sorted.len() as f64).ceil() as usize;\n    sorted[rank.max(1).min(sorted.len()) - 1]",
    ),
    (
        "    if sorted.is_empty() {\n        return 0;\n    }\n    let rank",
        "    let Some(_) = sorted.first() else { return 0 };\n    let rank",
    ),
    (
        "let (whole, cents) = text.split_once('.').ok_or_else(|| format!(\"no cents in {text:?}\"))?;",
        "let Some((whole, cents)) = text.split_once('.') else { return Err(format!(\"no cents in {text:?}\")) };",
    ),
    (
        "let mut sum: u32 = 17;\n    for byte in bytes {\n        sum = sum.wrapping_mul(31).wrapping_add(u32::from(*byte));\n    }\n    sum",
        "bytes.iter().fold(17u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)))",
    ),
    (
        "values.windows(n).map(|w| w.iter().sum()).collect()",
        "let mut out = Vec::with_capacity(values.len().saturating_sub(n - 1));\n    out.extend(values.windows(n).map(|w| w.iter().sum::<i64>()));\n    out",
    ),
    (
        "    let mut all = Vec::with_capacity(a.len() + b.len());\n    let (mut i, mut j) = (0, 0);\n    while i < a.len() && j < b.len() {\n        if a[i] <= b[j] {\n            all.push(a[i]);\n            i += 1;\n        } else {\n            all.push(b[j]);\n            j += 1;\n        }\n    }\n    all.extend_from_slice(&a[i..]);\n    all.extend_from_slice(&b[j..]);\n    all",
        "    let mut all = Vec::with_capacity(a.len() + b.len());\n    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());\n    while let (Some(x), Some(y)) = (left.peek(), right.peek()) {\n        all.push(if x <= y { *left.next().unwrap() } else { *right.next().unwrap() });\n    }\n    all.extend(left.chain(right));\n    all",
    ),
    (
        "name.split_whitespace().filter_map(|w| w.chars().next())",
        "name.split_whitespace().map(str::chars).filter_map(|mut c| c.next())",
    ),
    ("sorted.sort_by(|a, b| b.1.cmp(&a.1));", "sorted.sort_by_key(|item| std::cmp::Reverse(item.1));"),
    (
        "        let after = balance.checked_add(cents).ok_or_else(|| String::from(\"too much\"))?;",
        "        let Some(after) = balance.checked_add(cents) else { return Err(String::from(\"too much\")) };",
    ),
    ("self.balances.values().sum()", "self.balances.values().fold(0, |a, b| a + b)"),
    (
        "    if values.is_empty() {\n        return None;\n    }\n    Some(values.iter().sum::<f64>() / values.len() as f64)",
        "    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)",
    ),
    (
        "    let mut all = Vec::new();\n    for attempt in 0..attempts {\n        all.push(base.saturating_mul(2u64.saturating_pow(attempt)).min(10_000));\n    }\n    all",
        "    (0..attempts).map(|n| base.saturating_mul(2u64.saturating_pow(n)).min(10_000)).collect()",
    ),
    (
        "let twice = if i % 2 == 1 { digit * 2 } else { digit };\n        sum += if twice > 9 { twice - 9 } else { twice };",
        "let twice = digit << (i & 1);\n        sum += twice / 10 + twice % 10;",
    ),
    (
        "let came = new.iter().filter(|n| !old.contains(n)).cloned().collect();",
        "let known: std::collections::HashSet<&String> = old.iter().collect();\n    let came = new.iter().filter(|n| !known.contains(n)).cloned().collect();",
    ),
    ("            c => out.push(c),", "            other => out.extend([other]),"),
    (
        "        let gained = now.saturating_sub(self.last) / 10;\n        self.tokens = (self.tokens + gained).min(self.most);\n        self.last = self.last.max(now);",
        "        if now > self.last {\n            self.tokens += (now - self.last) / 10;\n            self.last = now;\n        }\n        self.tokens = self.tokens.min(self.most);",
    ),
    (
        "    match text.char_indices().nth(letters) {\n        Some((at, _)) => &text[..at],\n        None => text,\n    }",
        "    let at = text.char_indices().map(|(at, _)| at).nth(letters);\n    &text[..at.unwrap_or(text.len())]",
    ),
    (
        "    values.sort_unstable_by(|a, b| b.cmp(a));\n    values.truncate(n);",
        "    values.sort_unstable();\n    values.reverse();\n    values.truncate(n);",
    ),
    (
        "    match table.iter().find(|(c, _)| *c == code) {\n        Some((_, name)) => name,\n        None => panic!(\"no name for {code}\"),\n    }",
        "    let Some((_, name)) = table.iter().find(|(c, _)| *c == code) else { panic!(\"no name for {code}\") };\n    name",
    ),
    (
        "let part = part.trim();\n        if !part.is_empty() {\n            out.push(part.to_string());\n        }",
        "match part.trim() {\n            \"\" => {}\n            part => out.push(part.to_string()),\n        }",
    ),
    ("for part in line.split(',') {", "for part in line.split(|c| c == ',') {"),
    (
        "let mut out = Vec::new();\n    for part in line",
        "let mut out = Vec::with_capacity(line.len() / 2);\n    for part in line",
    ),
    ("sorted[rank.clamp(1, sorted.len()) - 1]", "*sorted.get(rank.clamp(1, sorted.len()) - 1).unwrap_or(&0)"),
    (
        "let rank = (share * sorted.len() as f64).ceil() as usize;",
        "let rank = f64::ceil(share * sorted.len() as f64) as usize;",
    ),
    (
        "match sums.iter_mut().find(|(n, _)| n == name) {\n            Some((_, sum)) => *sum += amount,\n            None => sums.push((name.clone(), *amount)),\n        }",
        "if let Some((_, sum)) = sums.iter_mut().find(|(n, _)| n == name) {\n            *sum += amount;\n        } else {\n            sums.push((name.clone(), *amount));\n        }",
    ),
    ("match sums.iter_mut().find(|(n, _)| n == name) {", "match sums.iter_mut().find(|item| item.0 == *name) {"),
    (
        "match sums.iter_mut().find(|(n, _)| n == name) {\n            Some((_, sum)) => *sum += amount,",
        "match sums.iter().position(|(n, _)| n == name) {\n            Some(at) => sums[at].1 += amount,",
    ),
    (
        "if cents.len() != 2 {\n        return Err(format!(\"{} digits of cents\", cents.len()));\n    }",
        "match cents.len() {\n        2 => {}\n        n => return Err(format!(\"{n} digits of cents\")),\n    }",
    ),
    (
        "let whole: u64 = whole.parse().map_err(|_| format!(\"no number: {whole}\"))?;",
        "let Ok(whole) = whole.parse::<u64>() else { return Err(format!(\"no number: {whole}\")) };",
    ),
    (
        "let cents: u64 = cents.parse().map_err(|_| format!(\"no cents: {cents}\"))?;\n    Ok(whole * 100 + cents)",
        "match cents.parse::<u64>() {\n        Ok(cents) => Ok(whole * 100 + cents),\n        Err(_) => Err(format!(\"no cents: {cents}\")),\n    }",
    ),
    ("for byte in bytes {\n        sum = sum", "for byte in bytes.iter() {\n        sum = sum"),
    (
        "sum = sum.wrapping_mul(31).wrapping_add(u32::from(*byte));",
        "sum = (sum << 5).wrapping_sub(sum).wrapping_add(u32::from(*byte));",
    ),
    ("assert!(n > 0, \"a window of nothing\");", "if n == 0 {\n        panic!(\"a window of nothing\");\n    }"),
    (
        "values.windows(n).map(|w| w.iter().sum()).collect()",
        "values.windows(n).map(|w| w.iter().copied().sum::<i64>()).collect()",
    ),
    (
        "let mut all = Vec::with_capacity(a.len() + b.len());\n    let (mut i, mut j) = (0, 0);",
        "let (mut i, mut j) = (0, 0);\n    let mut all = Vec::new();",
    ),
    (
        "all.extend_from_slice(&a[i..]);\n    all.extend_from_slice(&b[j..]);",
        "all.extend(a[i..].iter().chain(&b[j..]));",
    ),
    (
        ".filter_map(|w| w.chars().next()).flat_map(char::to_uppercase)",
        ".flat_map(|w| w.chars().take(1)).flat_map(char::to_uppercase)",
    ),
    (
        "name.split_whitespace().filter_map(|w| w.chars().next()).flat_map(char::to_uppercase).collect()",
        "let mut all = String::new();\n    for word in name.split_whitespace() {\n        all.extend(word.chars().next().into_iter().flat_map(char::to_uppercase));\n    }\n    all",
    ),
    (
        "sorted.into_iter().map(|(name, _)| name.clone()).collect()",
        "sorted.iter().map(|item| item.0.clone()).collect()",
    ),
    (
        "let mut sorted: Vec<&(String, u32)> = items.iter().collect();\n    sorted.sort_by(|a, b| b.1.cmp(&a.1));",
        "let mut sorted: Vec<&(String, u32)> = Vec::with_capacity(items.len());\n    sorted.extend(items);\n    sorted.sort_by(|a, b| a.1.cmp(&b.1).reverse());",
    ),
    (
        "if after < 0 {\n            self.refused += 1;\n            return Err(format!(\"{account} lacks {}\", -after));\n        }",
        "if after.is_negative() {\n            self.refused += 1;\n            return Err(format!(\"{account} lacks {}\", after.abs()));\n        }",
    ),
    (
        "self.balances.insert(account.to_string(), after);\n        self.history.push((self.day, account.to_string(), cents));",
        "let account = account.to_string();\n        self.history.push((self.day, account.clone(), cents));\n        self.balances.insert(account, after);",
    ),
    (
        "let balance = self.balances.get(account).copied().unwrap_or(0);",
        "let balance = *self.balances.get(account).unwrap_or(&0);",
    ),
    ("self.balances.values().sum()", "self.balances.iter().map(|(_, held)| held).sum()"),
    ("*text = words.join(\" \");", "text.clear();\n    text.push_str(&words.join(\" \"));"),
    (
        "let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();",
        "let words: Vec<String> = text.split_whitespace().map(|word| word.to_lowercase()).collect();",
    ),
    (
        "Some(values.iter().sum::<f64>() / values.len() as f64)",
        "let sum: f64 = values.iter().copied().sum();\n    Some(sum / values.len() as f64)",
    ),
    (
        "values.iter().copied().fold(f64::NEG_INFINITY, f64::max)",
        "let mut highest = f64::NEG_INFINITY;\n    for value in values {\n        highest = highest.max(*value);\n    }\n    highest",
    ),
    (
        "let twice = if i % 2 == 1 { digit * 2 } else { digit };\n        sum += if twice > 9 { twice - 9 } else { twice };",
        "sum += match (i % 2, digit) {\n            (1, 5..) => digit * 2 - 9,\n            (1, _) => digit * 2,\n            _ => digit,\n        };",
    ),
    ("sum % 10 == 0", "sum / 10 * 10 == sum"),
    ("2u64.saturating_pow(attempt)", "2u64.checked_pow(attempt).unwrap_or(u64::MAX)"),
    (
        "let went = old.iter().filter(|o| !new.contains(o)).cloned().collect();",
        "let mut went = old.to_vec();\n    went.retain(|o| !new.contains(o));",
    ),
    (
        "let came = new.iter().filter(|n| !old.contains(n)).cloned().collect();",
        "let came = new.iter().filter(|n| old.iter().all(|o| o != *n)).cloned().collect();",
    ),
    ("let mut out = String::with_capacity(text.len());\n    for c", "let mut out = String::new();\n    for c"),
    ("'<' => out.push_str(\"&lt;\"),", "'<' => out += \"&lt;\","),
    (
        "if self.tokens == 0 {\n            return false;\n        }\n        self.tokens -= 1;\n        true",
        "match self.tokens.checked_sub(1) {\n            Some(left) => {\n                self.tokens = left;\n                true\n            }\n            None => false,\n        }",
    ),
    ("self.last = self.last.max(now);", "if now > self.last {\n            self.last = now;\n        }"),
    (
        "match text.char_indices().nth(letters) {\n        Some((at, _)) => &text[..at],\n        None => text,\n    }",
        "text.char_indices().nth(letters).map_or(text, |(at, _)| &text[..at])",
    ),
    ("values.truncate(n);\n    values", "values.into_iter().take(n).collect()"),
    (
        "match table.iter().find(|(c, _)| *c == code) {\n        Some((_, name)) => name,\n        None => panic!(\"no name for {code}\"),\n    }",
        "for (known, name) in table {\n        if *known == code {\n            return name;\n        }\n    }\n    panic!(\"no name for {code}\")",
    ),
];

fn verdicts<'t>(changes: impl Iterator<Item = (&'t str, &'t str)>, options: &ProveOptions) -> Vec<Verdict> {
    let scene = tiny_with(LIB);
    let rewrites: Vec<Rewrite> = changes.map(|(from, to)| proposal(LIB, from, to)).collect();
    prove(&open(&scene), &rewrites, options, &Ear::deaf()).expect("the proof runs")
}

/// The rung that refuted it.
fn refuting(verdict: &Verdict) -> Option<Rung> {
    verdict.evidence().iter().find(|e| e.state == RungState::Failed).map(|e| e.rung)
}

#[test]
fn a_few_wrong_rewrites_that_pass_the_tests_are_refuted_by_the_twins() {
    let few = || WRONG.iter().take(2);
    for ((what, ..), verdict) in few().zip(verdicts(few().map(|(_, from, to)| (*from, *to)), &UNMEASURED)) {
        assert_eq!(refuting(&verdict), Some(Rung::TwinsAgree), "{what}: {:?}", verdict.evidence());
    }
}

#[test]
fn a_few_right_rewrites_agree() {
    for ((from, _), verdict) in RIGHT.iter().zip(verdicts(RIGHT.iter().take(6).copied(), &UNMEASURED)) {
        let twins = verdict.rung(Rung::TwinsAgree).unwrap();
        assert_eq!(twins.state, RungState::Passed, "{from}: {twins:?}");
    }
}

#[test]
#[ignore = "takes some minutes"]
fn of_sixty_wrong_rewrites_fifty_seven_are_refuted_and_of_sixty_right_ones_none() {
    assert!(WRONG.len() >= 60 && RIGHT.len() >= 60, "{} wrong, {} right", WRONG.len(), RIGHT.len());
    let options = ProveOptions { properties: true, ..UNMEASURED };
    let mut by: BTreeMap<&str, usize> = BTreeMap::new();
    for ((what, ..), verdict) in WRONG.iter().zip(verdicts(WRONG.iter().map(|(_, from, to)| (*from, *to)), &options)) {
        assert_ne!(refuting(&verdict), Some(Rung::Compiles), "{what} does not compile: {}", verdict.by());
        let word = refuting(&verdict).map_or("nothing", Rung::word);
        println!("{what}: {word}: {}", verdict.by());
        *by.entry(word).or_default() += 1;
    }
    println!("{} wrong rewrites, refuted by: {by:?}", WRONG.len());
    let (mut refuted, mut agreed) = (Vec::new(), 0);
    for ((from, to), verdict) in RIGHT.iter().zip(verdicts(RIGHT.iter().copied(), &options)) {
        let twins = verdict.rung(Rung::TwinsAgree).unwrap();
        println!("{:?}: {:?} {}", from.lines().next(), twins.state, verdict.by());
        agreed += usize::from(twins.state == RungState::Passed);
        if verdict.outcome() == Outcome::Refuted {
            refuted.push(format!("{to}: {}", verdict.by()));
        }
    }
    println!("{} right rewrites: {agreed} agree, {} refuted", RIGHT.len(), refuted.len());
    assert_eq!(refuted, [""; 0]);
    let of = |rung: &str| by.get(rung).copied().unwrap_or(0);
    assert!(WRONG.len() - of("tests pass") >= 40, "too few pass the tests that were there: {by:?}");
    assert!((WRONG.len() - of("nothing")) * 60 >= 57 * WRONG.len(), "{by:?}");
}
