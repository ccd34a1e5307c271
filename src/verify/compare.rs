//! The arguments of a function in; the text that runs its old and its new body on copies of them and compares, out.

use super::change::Passing;

/// One argument, and how a body gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Its name in the function.
    pub label: String,
    /// What a body is given where no copy is needed.
    pub given: String,
    /// How it is given a second time.
    pub passing: Passing,
    /// An expression that makes an `Option` of one more copy.
    pub copy: String,
}

impl Passing {
    pub(super) fn is_changed(self) -> bool {
        matches!(self, Passing::Changed | Passing::ChangedSlice)
    }

    pub(super) fn is_copied(self) -> bool {
        self != Passing::AsItIs
    }
}

/// Runs both bodies of the function with this number and path, and compares its result and what it left in its
/// arguments. It stands where the runtime is called `__R` and the case `__refit`.
pub(super) fn text(slots: &[Slot], number: usize, path: &str) -> String {
    let writer = Writer { slots, number, path };
    let changed = writer.copied().filter(|(_, s)| s.passing.is_changed());
    let changed: String = changed.map(|(i, s)| writer.after(i, s)).collect();
    format!("{} {{ {} {changed} }}", writer.with_copies(&["old", "new"]), writer.result())
}

struct Writer<'a> {
    slots: &'a [Slot],
    number: usize,
    path: &'a str,
}

impl Writer<'_> {
    fn copied(&self) -> impl Iterator<Item = (usize, &Slot)> {
        self.slots.iter().enumerate().filter(|(_, s)| s.passing.is_copied())
    }

    /// The head of a block in which there are copies for each of these runs.
    fn with_copies(&self, runs: &[&str]) -> String {
        let each = |f: &dyn Fn(&str, usize, &Slot) -> String| -> String {
            runs.iter().flat_map(|run| self.copied().map(move |(i, s)| f(run, i, s))).collect()
        };
        let patterns = each(&|run, i, _| format!("::std::option::Option::Some(mut __{run}{i}), "));
        let values = each(&|_, _, s| format!("{}, ", s.copy));
        format!("if let ({patterns}) = ({values})")
    }

    /// One body run on its copies.
    fn run(&self, run: &str, arm: &str) -> String {
        let borrowed = self.copied().filter_map(|(i, s)| match s.passing {
            Passing::Changed => Some(format!("let __ref{i} = &mut __{run}{i}; ")),
            Passing::ChangedSlice => Some(format!("let __ref{i} = &mut __{run}{i}[..]; ")),
            _ => None,
        });
        let given = self.slots.iter().enumerate().map(|(i, s)| match s.passing {
            Passing::AsItIs => s.given.clone(),
            Passing::Value => format!("__{run}{i}"),
            _ => format!("__ref{i}"),
        });
        let (borrowed, given): (String, Vec<String>) = (borrowed.collect(), given.collect());
        let call = format!("{}({})", self.path, given.join(", "));
        format!("{{ {borrowed}__R::run({}, __R::{arm}, move || {call}) }}", self.number)
    }

    /// Both bodies and their results compared.
    fn result(&self) -> String {
        let (old, new, again) = (self.run("old", "OLD"), self.run("new", "NEW"), self.run("again", "OLD"));
        let control = format!(
            "{{ let __again = {again}; __same.control({}, __R::Of(&__again).shown()); }}",
            equal("__was", "__again", true)
        );
        let same = compared("__was", "__is", true, &format!("{} {control}", self.with_copies(&["again"])));
        format!(
            "let __result = {{ let __was = {old}; let __is = {new}; {same} }}; __refit.part(\"its result\", __result); "
        )
    }

    /// What the bodies left in one argument compared.
    fn after(&self, i: usize, slot: &Slot) -> String {
        let (was, is, again) = (format!("__old{i}"), format!("__new{i}"), format!("__again{i}"));
        let control = format!(
            "{{ drop({}); __same.control({}, __R::Of(&{again}).shown()); }}",
            self.run("again", "OLD"),
            equal(&was, &again, false)
        );
        let same = compared(&was, &is, false, &format!("{} {control}", self.with_copies(&["again"])));
        format!("let __left = {{ {same} }}; __refit.part(\"`{}` afterwards\", __left); ", slot.label)
    }
}

/// How two values compare, the first asked again by `control` while that could change the answer.
fn compared(was: &str, is: &str, is_result: bool, control: &str) -> String {
    let equal = equal(was, is, is_result);
    format!(
        "let mut __same = __R::same(&{was}, {equal}, || (__R::Of(&{was}).shown(), __R::Of(&{is}).shown())); \
         while __same.asks_again() {{ {control} else {{ break; }} }} __same"
    )
}

fn equal(was: &str, is: &str, is_result: bool) -> String {
    let panics = if is_result { format!(".or_else(|| __R::panics(&{was}, &{is}))") } else { String::new() };
    format!("(&__R::Pair(&{was}, &{is})).equal(){panics}")
}
