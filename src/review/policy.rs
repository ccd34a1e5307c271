//! Review rules and sign-offs in, the roles that are still missing out.

use globset::GlobBuilder;

use crate::model::{Hunk, Problem, ReviewRule, ReviewWhen, Rewrite};

/// A recorded sign-off, as far as policy looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The role signed for; empty for none.
    pub role: String,
    /// `Name <mail>`.
    pub by: String,
    /// True if it counts: git found its signature good, or is not set up to check any.
    pub counts: bool,
}

/// The roles that must sign a rewrite, each once, in the order of the rules.
pub fn required_roles(rules: &[ReviewRule], rewrite: &Rewrite, hunks: &[Hunk]) -> Vec<String> {
    let mut roles: Vec<String> = Vec::new();
    for rule in rules.iter().filter(|r| applies(&r.when, rewrite, hunks)) {
        if !roles.contains(&rule.role) {
            roles.push(rule.role.clone());
        }
    }
    roles
}

/// The required roles for which nobody else than the change's author has signed. `author` is who edited it; empty
/// for an untouched proposal, whose author is Refit.
pub fn missing_roles(required: &[String], signatures: &[Signature], author: &str) -> Vec<String> {
    let signed = |role: &String| signatures.iter().any(|s| s.role == *role && s.counts && s.by != author);
    required.iter().filter(|role| !signed(role)).cloned().collect()
}

/// Whether a person may sign for a role.
///
/// # Errors
/// The person edited the change, and policy asks for another pair of eyes; a role that no rule names.
pub fn may_sign(rules: &[ReviewRule], role: &str, person: &str, author: &str) -> Result<(), Problem> {
    if role.is_empty() {
        return Ok(());
    }
    if !rules.iter().any(|r| r.role == role) {
        let known: Vec<&str> = rules.iter().map(|r| r.role.as_str()).collect();
        return Err(Problem::error(format!("no [[review]] rule names the role {role}")).help(match known[..] {
            [] => String::from("sign without a role"),
            _ => format!("the roles are {}", known.join(", ")),
        }));
    }
    if person == author {
        return Err(Problem::error(format!("{person} edited this change, and so cannot sign it as {role}"))
            .help("ask another person to sign it; they need git and refit only (`refit review sync`)"));
    }
    Ok(())
}

/// The hunks that may be decided together; what touches synchronisation is shown and decided one by one.
pub fn decide_in_bulk(hunks: &[Hunk]) -> Vec<usize> {
    hunks.iter().enumerate().filter(|(_, h)| !h.touches_sync).map(|(n, _)| n).collect()
}

fn applies(when: &ReviewWhen, rewrite: &Rewrite, hunks: &[Hunk]) -> bool {
    match when {
        ReviewWhen::Always => true,
        ReviewWhen::SyncPrimitives => hunks.iter().any(|h| h.touches_sync),
        ReviewWhen::Paths(globs) => {
            // A pattern that cannot be read is reported where slo.toml is; here it must not let a change through.
            let matches = |glob: &String, path: &str| {
                let glob = GlobBuilder::new(glob).literal_separator(true).build();
                glob.map_or(true, |g| g.compile_matcher().is_match(path))
            };
            rewrite.edits.iter().any(|set| globs.iter().any(|g| matches(g, set.file())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Class, ContentHash, EditSet, Eye, FunctionId, Kind, RewriteId, RuleId};

    fn rewrite(file: &str) -> Rewrite {
        Rewrite {
            id: RewriteId("r1".into()),
            rule: RuleId("rule"),
            eye: Eye::Loops,
            kind: Kind::Quadratic,
            class: Class::A,
            file: file.into(),
            line: 1,
            end_line: 1,
            function: FunctionId::default(),
            title: String::new(),
            finding: String::new(),
            edits: vec![EditSet::new(file, ContentHash::default(), Vec::new()).unwrap()],
            touched: Vec::new(),
            diff: String::new(),
            preconditions: Vec::new(),
            obligations: Vec::new(),
            hunks_independent: false,
            cost: None,
        }
    }

    fn hunk(touches_sync: bool) -> Hunk {
        let file = String::from("src/a.rs");
        Hunk { file, index: 0, old_start: 1, old_lines: 1, new_start: 1, new_lines: 1, lines: Vec::new(), touches_sync }
    }

    fn rule(role: &str, when: ReviewWhen) -> ReviewRule {
        ReviewRule { role: role.into(), when }
    }

    fn paths(globs: &[&str]) -> ReviewWhen {
        ReviewWhen::Paths(globs.iter().map(|g| g.to_string()).collect())
    }

    fn signature(role: &str, by: &str) -> Signature {
        Signature { role: role.into(), by: by.into(), counts: true }
    }

    #[test]
    fn a_path_rule_asks_for_its_role_where_a_touched_file_matches() {
        let rules = [rule("security", paths(&["**/auth/**", "src/crypto.rs"]))];
        assert_eq!(required_roles(&rules, &rewrite("src/auth/token.rs"), &[]), ["security"]);
        assert_eq!(required_roles(&rules, &rewrite("src/crypto.rs"), &[]), ["security"]);
        assert!(required_roles(&rules, &rewrite("src/author.rs"), &[]).is_empty());
        assert!(required_roles(&rules, &rewrite("src/sub/crypto.rs"), &[]).is_empty());
        let one_level = [rule("security", paths(&["src/*.rs"]))];
        assert!(required_roles(&one_level, &rewrite("src/sub/crypto.rs"), &[]).is_empty());
    }

    #[test]
    fn a_pattern_that_cannot_be_read_lets_nothing_through() {
        assert_eq!(required_roles(&[rule("security", paths(&["src/["]))], &rewrite("src/a.rs"), &[]), ["security"]);
    }

    #[test]
    fn one_synchronising_hunk_asks_for_the_concurrency_role() {
        let rules = [rule("concurrency", ReviewWhen::SyncPrimitives)];
        assert_eq!(required_roles(&rules, &rewrite("a.rs"), &[hunk(false), hunk(true)]), ["concurrency"]);
        assert!(required_roles(&rules, &rewrite("a.rs"), &[hunk(false)]).is_empty());
    }

    #[test]
    fn a_role_named_by_two_rules_is_asked_for_once() {
        let rules = [rule("security", ReviewWhen::Always), rule("security", paths(&["**"]))];
        assert_eq!(required_roles(&rules, &rewrite("a.rs"), &[]), ["security"]);
    }

    #[test]
    fn the_author_of_an_edit_does_not_count_as_its_reviewer() {
        let required = [String::from("security")];
        let own = [signature("security", "A <a@x>")];
        assert_eq!(missing_roles(&required, &own, "A <a@x>"), ["security"]);
        assert!(missing_roles(&required, &own, "").is_empty(), "an untouched proposal is Refit's");
        assert!(missing_roles(&required, &[signature("security", "B <b@x>")], "A <a@x>").is_empty());
        assert_eq!(missing_roles(&required, &[signature("", "B <b@x>")], ""), ["security"]);
        let unverified = Signature { counts: false, ..signature("security", "B <b@x>") };
        assert_eq!(missing_roles(&required, &[unverified], ""), ["security"]);
    }

    #[test]
    fn signing_for_an_unknown_role_or_for_ones_own_edit_is_refused() {
        let rules = [rule("security", ReviewWhen::Always)];
        assert!(may_sign(&rules, "", "A", "A").is_ok());
        assert!(may_sign(&rules, "security", "B", "A").is_ok());
        assert!(may_sign(&rules, "security", "A", "A").unwrap_err().what.contains("edited this change"));
        assert!(may_sign(&rules, "securty", "B", "").unwrap_err().help.contains("security"));
    }

    #[test]
    fn accepting_all_leaves_out_what_touches_synchronisation() {
        assert_eq!(decide_in_bulk(&[hunk(false), hunk(true), hunk(false)]), [0, 2]);
    }
}
