//! A value sent through JSON and back in; a copy, a tree made at once, or a tree taken apart, out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, probe, short, two_steps};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::json_steps::{Joint, Steps, steps};
use crate::source::{self, Node, SourceFile, json, shapes, types, usage, wire};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("json-round-trip"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (made, call) = (captured("made")?, captured("call")?);
    let body = source::function_body(file, call).ok_or("the value is read outside of a function")?;
    let all = steps(file, body);
    let steps = all.iter().find(|s| s.made == made && s.call == call).ok_or("the two steps changed")?;
    let value = steps.source().ok_or("the two steps changed")?;
    if matches!(steps.first, syn::Expr::MethodCall(_)) {
        return Ok(taken_apart(file, finding, steps, value));
    }
    let read = Read::of(file, steps);
    if read.target.as_ref().and_then(types::head).as_deref() == Some("Value") {
        return made_at_once(file, finding, steps, value);
    }
    copied(files, file, finding, steps, &read, value)
}

/// The call that reads, with what is done with its failure, and what type it gives.
struct Read {
    whole: TextRange,
    end: String,
    target: Option<syn::Type>,
    /// True where a `let` writes the type.
    is_annotated: bool,
    /// True where the function gives the result back as it is.
    is_returned: bool,
}

impl Read {
    fn of(file: &SourceFile, steps: &Steps<'_>) -> Read {
        let path = source::path_to(file, steps.call);
        let is_it = |expr: &syn::Expr| file.range(json::failing(file, expr).0) == steps.call;
        let whole = path.iter().find_map(|node| match node {
            Node::Expr(expr) if is_it(expr) => Some(file.range(*expr)),
            _ => None,
        });
        let whole = whole.unwrap_or(steps.call);
        let end = file.slice(TextRange { start: steps.call.end, end: whole.end }).to_owned();
        let annotated = path.iter().rev().find_map(|node| match node {
            Node::Stmt(stmt) => shapes::plain_let(stmt).filter(|l| file.range(l.value) == whole)?.ty.cloned(),
            _ => None,
        });
        let turbofish = steps.callee.path.segments.last().and_then(|segment| match &segment.arguments {
            syn::PathArguments::AngleBracketed(list) => list.args.iter().find_map(|argument| match argument {
                syn::GenericArgument::Type(ty) => Some(ty.clone()),
                _ => None,
            }),
            _ => None,
        });
        let returned = returned(file, &path, whole, end.trim());
        let is_annotated = annotated.is_some();
        let is_returned = returned.as_ref().is_some_and(|(_, is_whole)| *is_whole);
        let target = annotated.or(turbofish).or(returned.map(|(ty, _)| ty));
        Read { whole, end, target: target.filter(|ty| !matches!(ty, syn::Type::Infer(_))), is_annotated, is_returned }
    }
}

/// The type that the function's signature gives to what it returns, and whether that is the whole of it (not in `Ok(…)`).
fn returned(file: &SourceFile, path: &[Node<'_>], whole: TextRange, end: &str) -> Option<(syn::Type, bool)> {
    let is_ok = |expr: &syn::Expr| match expr {
        syn::Expr::Call(call) => {
            matches!(&*call.func, syn::Expr::Path(p) if p.path.is_ident("Ok") || p.path.is_ident("Some"))
                && call.args.first().is_some_and(|a| file.range(a) == whole)
        }
        _ => false,
    };
    let wrapped = path.iter().rev().find_map(|node| match node {
        Node::Expr(expr) if is_ok(expr) => Some(file.range(*expr)),
        _ => None,
    });
    let value = wrapped.unwrap_or(whole);
    let (block, signature) = path.iter().rev().find_map(|node| match node {
        Node::Fn(f) => Some((&*f.block, &f.sig)),
        Node::Method(f) => Some((&f.block, &f.sig)),
        _ => None,
    })?;
    let is_tail = matches!(block.stmts.last(), Some(syn::Stmt::Expr(tail, None)) if file.range(tail) == value);
    let syn::ReturnType::Type(_, output) = &signature.output else { return None };
    if !is_tail {
        return None;
    }
    let is_unwrapped = end.ends_with('?') || end.starts_with(".unwrap") || end.starts_with(".expect");
    let is_wrapped = wrapped.is_some() || !is_unwrapped;
    let ty = if is_wrapped { types::argument(output)? } else { (**output).clone() };
    Some((ty, wrapped.is_none() && !is_unwrapped))
}

/// `serde_json::from_value(tree)`.
fn taken_apart(file: &SourceFile, finding: &Finding, steps: &Steps<'_>, tree: &syn::Expr) -> Draft {
    let shown = file.text_of(tree);
    let is_given = is_given_away(file, tree);
    let argument = if is_given { shown.to_owned() } else { format!("{shown}.clone()") };
    let edits = two_steps::joined(file, steps, &two_steps::renamed(file, steps, "from_value"), &argument);
    let wanted = "serde_json::Value".to_owned();
    let question = if is_given { ProbeQuestion::IsType(wanted) } else { ProbeQuestion::IsOneOf(vec![wanted]) };
    Draft {
        title: format!("take the tree of {} apart instead of its text", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the text is used for nothing else, and writing a tree cannot fail"),
            probe(file, format!("`{shown}` is a `Value` of serde_json"), file.range(tree), question),
            borrow(if is_given { "the tree may be given away here" } else { "the type borrows nothing from the text" }),
        ],
        obligations: vec!["an error names no line and column of a text that nobody sees".to_owned()],
        ..Draft::default()
    }
}

/// True for a local that is owned, as far as the text says, and not used afterwards.
fn is_given_away(file: &SourceFile, tree: &syn::Expr) -> bool {
    let Some(place) = usage::place(tree).filter(|p| p.is_plain) else { return false };
    let range = file.range(tree);
    let path = source::path_to(file, range);
    let Some(body) = source::function_body(file, range) else { return false };
    let is_last = usage::uses(file, body, &place.root).iter().all(|u| u.name.start <= range.start);
    let bound = usage::bindings(file, body, &place.root).last().map_or(0, |range| range.start);
    let repeats = path.iter().any(|node| match node {
        Node::Expr(
            expr @ (syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_) | syn::Expr::Closure(_)),
        ) => file.range(*expr).start > bound,
        _ => false,
    });
    let root = root(tree);
    let is_borrowed = match types::type_of(file, root) {
        Some(ty) => matches!(ty, syn::Type::Reference(_)),
        None => false,
    };
    let is_lent_self = place.root == "self"
        && source::signature(file, range)
            .and_then(|s| s.receiver())
            .is_none_or(|r| matches!(r.kind, syn::ReceiverKind::Reference(..)));
    is_last && !repeats && !is_borrowed && !is_lent_self
}

fn root(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Field(f) => root(&f.base),
        syn::Expr::Paren(p) => root(&p.expr),
        other => other,
    }
}

/// `serde_json::to_value(&x)`.
fn made_at_once(file: &SourceFile, finding: &Finding, steps: &Steps<'_>, value: &syn::Expr) -> Result<Draft, String> {
    if !steps.is_alike {
        return Err("failures of writing and of reading are treated in different ways".to_owned());
    }
    let callee = file.text_of(steps.callee);
    let owner = callee.rfind("from_").map_or("serde_json::", |at| &callee[..at]);
    let edits = two_steps::joined(file, steps, &format!("{owner}to_value"), file.text_of(value));
    Ok(Draft {
        title: format!("make the tree of {} without a text", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the text is used for nothing else, and both failures are treated alike"),
            borrow("what is read is a `Value`"),
        ],
        obligations: vec!["`f32` keeps all its digits, and a raw text in the value is parsed".to_owned()],
        ..Draft::default()
    })
}

/// `order.clone()`.
fn copied(
    files: &[SourceFile],
    file: &SourceFile,
    finding: &Finding,
    steps: &Steps<'_>,
    read: &Read,
    value: &syn::Expr,
) -> Result<Draft, String> {
    let ty = read.target.as_ref().ok_or("which type is read is not written down where it is read")?;
    let known = types::type_of(file, shapes::unreferenced(value));
    let shown = |ty: &syn::Type| quote::ToTokens::to_token_stream(ty).to_string().replace(' ', "");
    if let Some(other) = known.as_ref().map(types::strip).filter(|other| shown(other) != shown(ty)) {
        return Err(format!(
            "`{}` is made of `{}`: a `From` that names the fields says the same",
            shown(ty),
            shown(other)
        ));
    }
    let survives = wire::survives(files, file, ty, &["Clone", "Serialize", "Deserialize"])?;
    let bare = shapes::unreferenced(value);
    let copy = if read.is_annotated || known.is_some() {
        format!("{}.clone()", file.text_of(bare))
    } else {
        format!("{}::clone({})", file.text_of(ty), file.text_of(value))
    };
    let end: String = read.end.split_whitespace().collect();
    let new = match end.as_str() {
        "?" | ".ok()?" | ".unwrap()" => copy,
        end if end.starts_with(".expect(") || (end.starts_with(".map_err(") && end.ends_with('?')) => copy,
        "" if read.is_returned => format!("Ok({copy})"),
        ".ok()" if read.is_returned => format!("Some({copy})"),
        end if end.starts_with(".map_err(") && read.is_returned => format!("Ok({copy})"),
        _ => return Err("the failure of the way back is kept or handled".to_owned()),
    };
    let mut edits = vec![TextEdit { range: read.whole, text: new }];
    match &steps.joint {
        Joint::Inside => {}
        Joint::Let(line) => edits.push(TextEdit { range: hoist::whole_lines(file, *line), text: String::new() }),
        _ => return Err("the failure of the way back is kept or handled".to_owned()),
    }
    let mut obligations = vec!["the way through JSON no longer fails where it could not before".to_owned()];
    if survives.has_floats {
        obligations.push("`NaN` and infinities are copied: JSON made an error of them".to_owned());
    }
    Ok(Draft {
        title: format!("copy the value in {} instead of sending it through JSON", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the text is used for nothing else"),
            holds(format!("all that `{}` holds comes back from JSON as it went", shown(ty))),
            borrow("what is copied is of the type that is read"),
        ],
        obligations,
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "json-round-trip";
    const ORDER: &str =
        "#[derive(Clone, Serialize, Deserialize)]\nstruct Order {\n    id: u64,\n    name: String,\n}\n";

    #[track_caller]
    fn becomes(before: &str, after: &str) {
        check(RULE, &format!("{ORDER}\n{before}"), &format!("{ORDER}\n{after}"));
    }

    #[test]
    fn a_value_that_survives_is_copied() {
        becomes(
            "fn f(order: &Order) -> Order {\n    // A copy.\n    let text = serde_json::to_string(order).expect(\"plain\");\n    let mut copy: Order = serde_json::from_str(&text).expect(\"just written\"); // same\n    copy.id = 0;\n    copy\n}\n",
            "fn f(order: &Order) -> Order {\n    // A copy.\n    let mut copy: Order = order.clone(); // same\n    copy.id = 0;\n    copy\n}\n",
        );
        becomes(
            "fn f(order: &Order) -> Result<Order, E> {\n    serde_json::from_slice(&serde_json::to_vec(&order)?)\n}\n",
            "fn f(order: &Order) -> Result<Order, E> {\n    Ok(order.clone())\n}\n",
        );
        becomes(
            "fn f(all: &Book) -> Result<Order, E> {\n    let v = serde_json::to_value(&all.first)?;\n    Ok(serde_json::from_value::<Order>(v)?)\n}\n",
            "fn f(all: &Book) -> Result<Order, E> {\n    Ok(Order::clone(&all.first))\n}\n",
        );
    }

    #[test]
    fn a_tree_is_made_without_a_text() {
        becomes(
            "fn f(orders: &[Order]) -> Vec<Value> {\n    orders\n        .iter()\n        .filter_map(|order| {\n            let bytes = serde_json::to_vec(order).ok()?;\n            serde_json::from_slice::<Value>(&bytes).ok()\n        })\n        .collect()\n}\n",
            "fn f(orders: &[Order]) -> Vec<Value> {\n    orders\n        .iter()\n        .filter_map(|order| {\n            serde_json::to_value(order).ok()\n        })\n        .collect()\n}\n",
        );
        becomes(
            "fn f(order: &Order) -> Result<Value, E> {\n    let text = serde_json::to_string(order)?;\n    let tree: Value = serde_json::from_str(&text)?;\n    Ok(tree)\n}\n",
            "fn f(order: &Order) -> Result<Value, E> {\n    let tree: Value = serde_json::to_value(order)?;\n    Ok(tree)\n}\n",
        );
    }

    #[test]
    fn a_tree_is_taken_apart_without_a_text() {
        check(
            RULE,
            "struct Job {\n    payload: Value,\n}\n\nfn f(job: Job) -> Option<Order> {\n    let text = job.payload.to_string();\n    let order: Order = serde_json::from_str(&text).ok()?;\n    Some(order)\n}\n",
            "struct Job {\n    payload: Value,\n}\n\nfn f(job: Job) -> Option<Order> {\n    let order: Order = serde_json::from_value(job.payload).ok()?;\n    Some(order)\n}\n",
        );
        check(
            RULE,
            "fn f(tree: &Value) -> Result<Order, E> {\n    serde_json::from_str(&tree.to_string())\n}\n",
            "fn f(tree: &Value) -> Result<Order, E> {\n    serde_json::from_value(tree.clone())\n}\n",
        );
    }

    #[test]
    fn a_part_of_a_tree_is_taken_apart_without_a_text() {
        check(
            RULE,
            "fn f(tree: Value) -> Option<Order> {\n    let body = tree.get(\"body\")?.to_string();\n    serde_json::from_str(&body).ok()\n}\n",
            "fn f(tree: Value) -> Option<Order> {\n    serde_json::from_value(tree.get(\"body\")?.clone()).ok()\n}\n",
        );
    }

    #[test]
    fn what_is_looked_up_after_something_else_stays() {
        for text in [
            "fn f(tree: Value) -> Option<Order> { let body = tree.get(\"body\")?.to_string(); save(log(), serde_json::from_str(&body).ok()) }",
            "fn f(tree: Value) -> Option<Order> { let body = tree.get(key())?.to_string(); serde_json::from_str(&body).ok() }",
            "fn f(tree: Value) -> Option<Order> { let body = tree.take(\"body\")?.to_string(); serde_json::from_str(&body).ok() }",
        ] {
            assert_eq!(crate::rewrite::testing::proposals(RULE, text).0, [], "{text}");
        }
    }

    #[test]
    fn what_json_changes_and_what_is_of_two_types_is_refused() {
        check_refuses(
            RULE,
            "#[derive(Clone, Serialize, Deserialize)]\nstruct Card {\n    #[serde(skip)]\n    pan: String,\n}\nfn f(card: &Card) -> Card { serde_json::from_str(&serde_json::to_string(card).unwrap()).unwrap() }",
            "`#[serde(skip)]` of `Card` changes what comes back",
        );
        check_refuses(
            RULE,
            "fn f(a: &A) -> B { serde_json::from_str(&serde_json::to_string(a).unwrap()).unwrap() }",
            "`B` is made of `A`: a `From` that names the fields says the same",
        );
        check_refuses(
            RULE,
            "fn f<A: Serialize, B: DeserializeOwned>(a: &A) -> Result<B, E> { let tree = serde_json::to_value(a)?; serde_json::from_value(tree) }",
            "`B` is made of `A`: a `From` that names the fields says the same",
        );
        check_refuses(
            RULE,
            "fn f(a: &A) -> Option<Value> { let t = serde_json::to_string(a).unwrap(); let v: Value = serde_json::from_str(&t).ok()?; Some(v) }",
            "failures of writing and of reading are treated in different ways",
        );
    }
}
