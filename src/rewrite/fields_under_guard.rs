//! A guard through which a wait reads fields in; copies of the fields, made under the lock, out.

use super::{Draft, Recipe, borrow, file_of, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{self, SourceFile, Template, lexer, names, shapes, usage};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("fields-under-guard"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, value, next) = (captured("name")?, captured("value")?, captured("next")?);
    if !lexer::comments(file.slice(finding.range)).is_empty() {
        return Err("a comment stands in the `let`".to_owned());
    }
    let guard = file.slice(name);
    let field_of = |range: &TextRange| file.slice(*range).rsplit('.').next().unwrap_or_default().trim().to_owned();
    let (copied, cloned) = (finding.captures_named("copied"), finding.captures_named("cloned"));
    let mut fields: Vec<String> = copied.iter().chain(&cloned).map(field_of).collect();
    fields.sort();
    fields.dedup();
    let taken = |field: &str| {
        // What is used by value behind a guard can only be a copy.
        let is_copy = copied.iter().any(|range| field_of(range) == field);
        format!(".{field}{}", if is_copy { "" } else { ".clone()" })
    };
    let locals: Vec<(String, String)> =
        fields.iter().map(|field| (field.clone(), local(file, finding, field))).collect();
    let value = file.on_one_line(value);
    let text = match locals.as_slice() {
        [(field, local)] => format!("let {local} = {value}{};", taken(field)),
        several => {
            let left: Vec<&str> = several.iter().map(|(_, local)| local.as_str()).collect();
            let right: Vec<String> = several.iter().map(|(field, _)| format!("{guard}{}", taken(field))).collect();
            format!("let ({}) = {{\n    let {guard} = {value};\n    ({})\n}};", left.join(", "), right.join(", "))
        }
    };
    let mut edits = Template::new(file, finding.range).text(text).edits();
    for range in copied.iter().chain(&cloned) {
        let field = field_of(range);
        let local = locals.iter().find(|(known, _)| *known == field).map(|(_, local)| local.clone());
        edits.push(TextEdit { range: *range, text: local.unwrap_or_default() });
    }
    Ok(Draft {
        title: format!("unlock {guard} before the wait of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{guard}` is used for nothing but to look at {}", fields.join(" and "))),
            std_types::is_one_at(file, name, next.start, &std_types::GUARD),
            borrow("what is looked at can be copied out"),
        ],
        obligations: vec![
            "lock scope: the wait goes on with the values as they were when it began".to_owned(),
            "the copies are cheap beside what is waited for".to_owned(),
        ],
        ..Draft::default()
    })
}

/// The name of the field where nothing in the function has it, else another.
fn local(file: &SourceFile, finding: &Finding, field: &str) -> String {
    let body = source::function_body(file, finding.range);
    let is_taken = |name: &str| {
        body.is_none_or(|body| {
            let is_it = |e: &&syn::Expr| names::plain_name(e).is_some_and(|found| found == name);
            let is_shown = file.slice(file.range(body)).contains(&format!("{{{name}"));
            is_shown || shapes::exprs(body).iter().any(is_it) || !usage::bindings(file, body, name).is_empty()
        }) || source::signature(file, finding.range).is_some_and(|sig| {
            sig.inputs.iter().any(|input| matches!(input, syn::FnArg::Typed(t) if names::mentions(&*t.pat, name)))
        })
    };
    let base = if lexer::is_keyword(field) || field.starts_with(|c: char| c.is_ascii_digit()) {
        format!("field_{}", field.trim_start_matches("r#"))
    } else {
        field.to_owned()
    };
    let copies = std::iter::once(format!("{base}_copy")).chain((2..).map(|n| format!("{base}_copy_{n}")));
    std::iter::once(base.clone()).chain(copies).find(|name| !is_taken(name)).unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "fields-under-guard";

    #[test]
    fn one_field_is_copied_out() {
        let rewrite = check(
            RULE,
            "impl S {
    async fn report(&self, message: &str) -> R {
        // As it is now.
        let config = self.config.read().await; // shared
        send(&config.url, message).await?;
        Ok(())
    }
}
",
            "impl S {
    async fn report(&self, message: &str) -> R {
        // As it is now.
        let url = self.config.read().await.url.clone(); // shared
        send(&url, message).await?;
        Ok(())
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (2, 3));
    }

    #[test]
    fn several_fields_are_copied_out_under_one_lock() {
        check(
            RULE,
            "async fn get(l: &RwLock<C>, url: &str) -> R {
    let c = l.read().unwrap();
    call(c.url.as_str(), url, c.timeout).await
}
",
            "async fn get(l: &RwLock<C>, url: &str) -> R {
    let (timeout, url_copy) = {
        let c = l.read().unwrap();
        (c.timeout, c.url.clone())
    };
    call(url_copy.as_str(), url, timeout).await
}
",
        );
    }

    #[test]
    fn a_comment_inside_the_let_is_not_lost() {
        check_refuses(
            RULE,
            "async fn f(l: &RwLock<C>) { let c = l /* all */ .read().await; send(&c.a).await; }",
            "a comment stands in the `let`",
        );
    }
}
