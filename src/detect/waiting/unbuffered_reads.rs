//! Files that are opened and read in small pieces by a loop of the same block.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::small_io::{self, Handle, Opened};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("unbuffered-reads"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "file read in small pieces without a buffer",
    explain: EXPLAIN,
    triggers: &["File"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds files that a function opens for itself and reads in a loop by `read`, `read_exact` or `bytes`, without a buffer.

## Why it costs

Every call is a system call: a header of eight bytes costs as much as eight kilobytes would, and `bytes()` asks the kernel
for each byte.

## Before

```rust
let mut file = File::open(path)?;
for _ in 0..count {
    file.read_exact(&mut header)?;
    entries.push(parse(&header));
}
```

## After

```rust
let mut file = std::io::BufReader::new(File::open(path)?);
for _ in 0..count {
    file.read_exact(&mut header)?;
    entries.push(parse(&header));
}
```

## When it is refused

The file is used for anything but reading (seeking, sizes, handing on), or another handle, process or wait stands beside it:
a buffer reads ahead. The type is no `File` of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let opened = small_io::opened(file, Handle::Read);
    let fact = |found: &Opened<'_>| {
        let message = format!("`{}` is a bare file: each read in the loop is a system call", found.name);
        Fact::at(file, file.range(found.local))
            .capture("name", file.span_range(found.name.span()))
            .capture("file", file.range(found.value))
            .capture("next", file.range(found.next))
            .note("message", message)
    };
    opened.iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_loops_that_read_small_pieces() {
        for text in [
            "fn f(p: &Path) -> R { $0let mut r = File::open(p)?;$0 for _ in 0..9 { r.read_exact(&mut h)?; } Ok(()) }",
            "fn f(p: &Path) { $0let mut r = File::open(p).unwrap();$0 while r.read(&mut b).unwrap() > 0 { g(&b); } }",
            "fn f(p: &Path) -> R { $0let mut r = std::fs::File::open(p)?;$0 loop { let n = r.read(&mut b)?; if n == 0 { break; } } Ok(()) }",
            "fn f(p: &Path) -> R { $0let mut r = File::open(p)?;$0 for b in r.bytes() { g(b?); } Ok(()) }",
            "fn f(p: &Path) -> R { $0let r = File::open(p)?;$0 for b in r.bytes() { g(b?); } Ok(()) }",
            "fn f(p: &Path) -> R { $0let mut r = File::open(p)?;$0 r.read_exact(&mut magic)?; for x in xs { r.read_exact(x)?; } Ok(()) }",
            "impl S { fn f(&mut self) -> R { $0let mut r = File::open(&self.p)?;$0 while a() { r.read_exact(&mut self.b)?; } Ok(()) } }",
            "fn f(p: &Path) -> R { $0let mut r = File::open(p)?;$0 loop { if r.read(&mut b)? == 0 { return Ok(all); } all.push(b[0]); } }",
            "fn f(p: &Path) -> R { if a { $0let mut r = File::open(p)?;$0 for _ in 0..9 { r.read_exact(&mut h)?; } } Ok(()) }",
            "fn f(p: &Path) { $0let mut r = File::open(p).expect(\"there\");$0 while let Ok(()) = r.read_exact(&mut h) { g(); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(p: &Path) -> R { let mut r = BufReader::new(File::open(p)?); for _ in 0..9 { r.read_exact(&mut h)?; } Ok(()) }",
                "fn f(p: &Path) -> R { let mut r = File::open(p)?; r.read_exact(&mut h)?; Ok(()) }",
                "fn f(p: &Path) -> R { let mut r = File::open(p)?; r.read_to_string(&mut s)?; for l in s.lines() { g(l); } Ok(()) }",
                "fn f(p: &Path) -> R { let mut r = File::open(p)?; for _ in 0..9 { r.seek(SeekFrom::Current(8))?; r.read_exact(&mut h)?; } Ok(()) }",
                "fn f(p: &Path) -> R { let mut r = File::open(p)?; let n = r.metadata()?.len(); for _ in 0..n { r.read_exact(&mut h)?; } Ok(()) }",
                "fn f(p: &Path) -> R { let mut r = File::open(p)?; for _ in 0..9 { r.read_exact(&mut h)?; } hand(r) }",
                "fn f(p: &Path) -> R { let mut r = File::open(p)?; for _ in 0..9 { parse(&mut r)?; } Ok(()) }",
                "fn f(p: &Path) -> R { let mut r = File::open(p)?; let s = r.try_clone()?; for _ in 0..9 { r.read_exact(&mut h)?; } Ok(()) }",
                "fn f(p: &Path) -> R { let mut r = File::open(p)?; run(|| { for _ in 0..9 { r.read_exact(&mut h).unwrap(); } }); Ok(()) }",
                "fn f(p: &Path) -> R { let mut r = File::open(p)?; loop { r.read(&mut b)?; std::thread::sleep(D); } }",
                "fn f(a: A) -> R { let mut r = TcpStream::connect(a)?; for _ in 0..9 { r.read_exact(&mut h)?; } Ok(()) }",
                "fn f(p: &Path) -> R { let mut r = Pack::open(p)?; for _ in 0..9 { r.read_exact(&mut h)?; } Ok(()) }",
                "fn f(p: &Path) -> R { let mut r: File = File::open(p)?; for _ in 0..9 { r.read_exact(&mut h)?; } Ok(()) }",
                "fn f(ps: &[P]) -> R { for p in ps { let mut r = File::open(p)?; r.read_exact(&mut h)?; } Ok(()) }",
                "async fn f(p: &Path) -> R { let mut r = File::open(p).await?; for _ in 0..9 { r.read_exact(&mut h).await?; } Ok(()) }",
                "#[test] fn f() { let mut r = File::open(p).unwrap(); for _ in 0..9 { r.read_exact(&mut h).unwrap(); } }",
            ],
        );
    }
}
