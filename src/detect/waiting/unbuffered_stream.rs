//! Async functions that write small pieces to a socket which they are lent.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::functions::{Function, functions, head};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, names, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("unbuffered-stream"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "socket written in small pieces without a buffer",
    explain: EXPLAIN,
    triggers: &["write_all"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `async` functions with a parameter `&mut TcpStream` (or another socket of tokio) to which a loop writes several times in each
round, and with which they do nothing else.

## Why it costs

Every write is a system call, and without Nagle's delay a packet of its own: a header of four pieces is four packets.

## Before

```rust
async fn send(stream: &mut TcpStream, all: &[Header]) -> io::Result<()> {
    for header in all {
        stream.write_all(header.name.as_bytes()).await?;
        stream.write_all(b\"\\r\\n\").await?;
    }
    Ok(())
}
```

## After

```rust
async fn send(stream: &mut TcpStream, all: &[Header]) -> io::Result<()> {
    let mut stream = tokio::io::BufWriter::new(stream);
    for header in all {
        stream.write_all(header.name.as_bytes()).await?;
        stream.write_all(b\"\\r\\n\").await?;
    }
    stream.flush().await?;
    Ok(())
}
```

The pieces arrive in blocks and at the end. That is for a person to accept.

## When it is refused

The function reads from the socket, flushes it in between, hands it on, waits for something else, or leaves early other than by a failure;
the failures of the writes are not passed on.
";

/// Sockets of tokio.
const SOCKETS: &[&str] = &["TcpStream", "UnixStream", "OwnedWriteHalf", "WriteHalf"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    functions(file).into_iter().filter_map(|function| written(file, &function)).collect()
}

fn written(file: &SourceFile, function: &Function<'_>) -> Option<Fact> {
    function.sig.asyncness?;
    let name = function.sig.inputs.iter().find_map(|input| match input {
        syn::FnArg::Typed(t) => socket(file, t),
        syn::FnArg::Receiver(_) => None,
    })?;
    let body = function.block;
    let (last, before) = body.stmts.split_last()?;
    let is_ok = matches!(last, syn::Stmt::Expr(syn::Expr::Call(call), None)
        if matches!(&*call.func, syn::Expr::Path(p) if p.path.is_ident("Ok")) && call.args.iter().all(|a| !names::mentions(a, &name)));
    let uses = usage::uses(file, body, &name);
    let is_write = |u: &usage::Use| u.is_bare && !u.is_captured && u.how == How::Method("write_all".to_owned());
    let writes_only = uses.iter().all(is_write) && usage::bindings(file, body, &name).is_empty();
    // What is awaited is a write, and its failure is passed on.
    let exprs = shapes::exprs(body);
    let awaits = exprs.iter().filter(|e| matches!(e, syn::Expr::Await(_))).count();
    let tried = exprs.iter().filter(|e| matches!(e, syn::Expr::Try(t) if is_written(&t.expr, &name))).count();
    let leaves = shapes::exits(body).iter().any(|e| matches!(e, shapes::Exit::Return | shapes::Exit::Macro));
    let looped = before.iter().filter_map(|stmt| match stmt {
        syn::Stmt::Expr(syn::Expr::ForLoop(l), _) => Some(&l.body),
        syn::Stmt::Expr(syn::Expr::While(l), _) => Some(&l.body),
        _ => None,
    });
    let per_round = looped.map(|body| usage::uses(file, body, &name).len()).max()?;
    if !is_ok || !writes_only || awaits != tried || tried != uses.len() || leaves || per_round < 2 {
        return None;
    }
    Some(
        Fact::at(file, uses[0].whole)
            .capture("name", uses[0].place)
            .capture("first", file.range(body.stmts.first()?))
            .capture("last", file.range(last))
            .note("message", format!("each write to `{name}` is a system call, and may be a packet, of its own")),
    )
}

/// The name of a parameter `&mut TcpStream` of tokio.
fn socket(file: &SourceFile, t: &syn::PatType) -> Option<String> {
    let syn::Type::Reference(r) = &*t.ty else { return None };
    let ty = head(&r.elem);
    let is_tokio = names::imports(file, &ty).iter().any(|path| path.starts_with("tokio::net::"))
        || names::mentions(&r.elem, "tokio");
    match &*t.pat {
        syn::Pat::Ident(p) if r.mutability.is_some() && p.mutability.is_none() && p.by_ref.is_none() => {
            (SOCKETS.contains(&ty.as_str()) && is_tokio).then(|| p.ident.to_string())
        }
        _ => None,
    }
}

/// `name.write_all(…).await`.
fn is_written(expr: &syn::Expr, name: &str) -> bool {
    let syn::Expr::Await(a) = expr else { return false };
    shapes::method(&a.base, "write_all", 1)
        .is_some_and(|call| names::plain_name(&call.receiver).is_some_and(|found| found == name))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const USE: &str = "use tokio::net::TcpStream;";

    #[test]
    fn fires_on_small_writes_to_a_lent_socket() {
        for text in [
            "async fn f(s: &mut TcpStream, xs: &[H]) -> R { for x in xs { $0s.write_all(x.name.as_bytes())$0.await?; s.write_all(b\": \").await?; } s.write_all(b\"end\").await?; Ok(()) }",
            "async fn f(s: &mut tokio::net::UnixStream, xs: &[H]) -> R { let mut n = 0; for x in xs { $0s.write_all(x.name.as_bytes())$0.await?; s.write_all(b\": \").await?; n += 1; } Ok(n) }",
        ] {
            check(&RULE, &format!("{USE} {text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        for text in [
            // One write per round, or none in a loop.
            "async fn f(s: &mut TcpStream, xs: &[H]) -> R { for x in xs { s.write_all(&x.all).await?; } Ok(()) }",
            "async fn f(s: &mut TcpStream) -> R { s.write_all(b\"a\").await?; s.write_all(b\"b\").await?; Ok(()) }",
            // An answer is waited for, pieces are flushed or paced, or the socket is handed on.
            "async fn f(s: &mut TcpStream, xs: &[H]) -> R { for x in xs { s.write_all(b\"a\").await?; s.write_all(b\"b\").await?; s.read_u8().await?; } Ok(()) }",
            "async fn f(s: &mut TcpStream, xs: &[H]) -> R { for x in xs { s.write_all(b\"a\").await?; s.write_all(b\"b\").await?; s.flush().await?; } Ok(()) }",
            "async fn f(s: &mut TcpStream, xs: &[H]) -> R { for x in xs { s.write_all(b\"a\").await?; s.write_all(b\"b\").await?; sleep(P).await; } Ok(()) }",
            "async fn f(s: &mut TcpStream, xs: &[H]) -> R { for x in xs { s.write_all(b\"a\").await?; s.write_all(b\"b\").await?; } next(s); Ok(()) }",
            "async fn f(s: &mut TcpStream, rx: &mut Rx) -> R { while let Some(x) = rx.recv().await { s.write_all(b\"a\").await?; s.write_all(b\"b\").await?; } Ok(()) }",
            // It leaves early, forgets failures, or gives the last write back.
            "async fn f(s: &mut TcpStream, xs: &[H]) -> R { for x in xs { s.write_all(b\"a\").await?; s.write_all(b\"b\").await?; if x.last { return Ok(()); } } Ok(()) }",
            "async fn f(s: &mut TcpStream, xs: &[H]) -> R { for x in xs { let _ = s.write_all(b\"a\").await; s.write_all(b\"b\").await?; } Ok(()) }",
            "async fn f(s: &mut TcpStream, xs: &[H]) -> R { for x in xs { s.write_all(b\"a\").await?; s.write_all(b\"b\").await?; } s.write_all(b\"end\").await }",
        ] {
            check(&RULE, &format!("{USE} {text}"));
        }
        check_ignores(
            &RULE,
            &[
                "async fn f(s: &mut TcpStream, xs: &[H]) -> R { for x in xs { s.write_all(b\"a\").await?; s.write_all(b\"b\").await?; } Ok(()) }",
                "use tokio::io::BufWriter; async fn f(s: &mut BufWriter<T>, xs: &[H]) -> R { for x in xs { s.write_all(b\"a\").await?; s.write_all(b\"b\").await?; } Ok(()) }",
                "async fn f(s: &mut Vec<u8>, xs: &[H]) -> R { for x in xs { s.write_all(b\"a\").await?; s.write_all(b\"b\").await?; } Ok(()) }",
            ],
        );
    }
}
