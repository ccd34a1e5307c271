//! The ways to make values of the workspace's own types in; the text of the types that make them out.

use super::own::{Own, Way};
use super::recipes::Making;

/// The makers of all these types, in one line.
///
/// # Errors
/// A type of which every value needs another value of it.
pub(super) fn text(own: &[Own]) -> Result<String, String> {
    let heights = heights(own);
    if let Some(endless) = own.iter().zip(&heights).find(|(_, h)| h.iter().all(|h| *h == u32::MAX)) {
        return Err(format!("every value of {} needs another one", endless.0.value));
    }
    Ok(own.iter().zip(&heights).enumerate().map(|(number, (own, heights))| one(number, own, heights)).collect())
}

/// The fewest steps in which each way of each type ends.
fn heights(own: &[Own]) -> Vec<Vec<u32>> {
    let mut heights: Vec<Vec<u32>> = own.iter().map(|o| vec![u32::MAX; o.ways.len()]).collect();
    let least = |all: &[u32]| all.iter().copied().min().unwrap_or(u32::MAX);
    loop {
        let before = heights.clone();
        for (number, o) in own.iter().enumerate() {
            for (i, way) in o.ways.iter().enumerate() {
                let needs = way.parts.iter().flat_map(|p| &p.recipe.needs);
                let most = needs.map(|n| before.get(*n).map_or(u32::MAX, |h| least(h))).max().unwrap_or(0);
                heights[number][i] = most.saturating_add(1);
            }
        }
        if heights == before {
            return heights;
        }
    }
}

fn one(number: usize, own: &Own, heights: &[u32]) -> String {
    let value = &own.value;
    let name = format!("__Made{number}");
    if own.then.is_empty() {
        return maker(&name, value, &own.ways, heights);
    }
    let (from, then) = (format!("__From{number}"), format!("__Then{number}"));
    let steps: Vec<u32> = own.then.iter().map(|_| 1).collect();
    let applied = arms(&then, &own.then, |way| filled(&way.code, &parts(way, "build")));
    let makers = maker(&from, value, &own.ways, heights) + &maker(&then, "()", &own.then, &steps);
    format!(
        "{makers}impl {then} {{ fn applied(&self, mut it: {value}) -> {value} {{ match self {{ {applied} }} it }} }} \
         #[derive(::std::clone::Clone)] struct {name}({from}, ::std::vec::Vec<{then}>); \
         impl made::Make for {name} {{ type Value = {value}; \
         fn make(random: &mut made::Random) -> Self {{ {name}(<{from} as made::Make>::make(random), random.inside(made::Make::make)) }} \
         fn smaller(&self) -> ::std::vec::Vec<Self> {{ \
         let mut all: ::std::vec::Vec<Self> = self.1.smaller().into_iter().map(|then| {name}(self.0.clone(), then)).collect(); \
         all.extend(self.0.smaller().into_iter().map(|from| {name}(from, self.1.clone()))); all }} \
         fn spell(&self) -> ::std::string::String {{ if self.1.is_empty() {{ return self.0.spell(); }} \
         let steps: ::std::vec::Vec<::std::string::String> = self.1.iter().map(|s| s.spell()).collect(); \
         ::std::format!(\"{{{{ let mut it = {{}}; {{}} it }}}}\", self.0.spell(), steps.join(\" \")) }} \
         fn build(&self) -> {value} {{ self.1.iter().fold(self.0.build(), |it, step| step.applied(it)) }} }} "
    )
}

/// An enum of the ways, each with its parts.
fn maker(name: &str, value: &str, ways: &[Way], heights: &[u32]) -> String {
    let variant = |(i, way): (usize, &Way)| {
        let parts: String = way.parts.iter().map(|p| format!("{}, ", p.recipe.text)).collect();
        format!("C{i}({parts}), ")
    };
    let variants: String = ways.iter().enumerate().map(variant).collect();
    let made = |(i, way): (usize, &Way)| {
        let part = |p: &Making| format!("random.inside(<{} as made::Make>::make), ", p.recipe.text);
        let parts: String = way.parts.iter().map(part).collect();
        format!("{i} => {name}::C{i}({parts}), ")
    };
    let made: String = ways.iter().enumerate().map(made).collect();
    let built = match value {
        "()" => String::from("_ => ()"),
        _ => arms(name, ways, |way| filled(&way.code, &parts(way, "build"))),
    };
    let spelled = arms(name, ways, |way| {
        let (holes, spells) =
            (way.parts.iter().map(hole).collect::<Vec<_>>(), parts_of(way, |i, _| format!("a{i}.spell(), ")));
        format!("::std::format!({:?}, {})", kept(&way.spelled, &holes), spells.concat())
    });
    format!(
        "#[derive(::std::clone::Clone)] enum {name} {{ {variants}}} \
         impl made::Make for {name} {{ type Value = {value}; \
         fn make(random: &mut made::Random) -> Self {{ match random.way(&{heights:?}) {{ {made} _ => ::std::unreachable!() }} }} \
         fn smaller(&self) -> ::std::vec::Vec<Self> {{ let mut all = ::std::vec::Vec::new(); match self {{ {smaller} }} all }} \
         fn spell(&self) -> ::std::string::String {{ match self {{ {spelled} }} }} \
         fn build(&self) -> {value} {{ match self {{ {built} }} }} }} ",
        smaller = smaller(name, ways),
    )
}

fn smaller(name: &str, ways: &[Way]) -> String {
    let one = |(w, way): (usize, &Way)| {
        let n = way.parts.len();
        let instead = |i: usize| {
            let part = |j: usize| if i == j { String::from("v") } else { format!("a{j}.clone()") };
            let all: Vec<String> = (0..n).map(part).collect();
            format!("for v in a{i}.smaller() {{ all.push({name}::C{w}({})); }} ", all.join(", "))
        };
        let body: String = (0..n).map(instead).collect();
        format!("{name}::C{w}({}) => {{ {body}}} ", names(n))
    };
    ways.iter().enumerate().map(one).collect()
}

/// One arm for each way, its parts called `a0`, `a1`, ….
fn arms(name: &str, ways: &[Way], body: impl Fn(&Way) -> String) -> String {
    let arm = |(i, way): (usize, &Way)| format!("{name}::C{i}({}) => {{ {} }} ", names(way.parts.len()), body(way));
    ways.iter().enumerate().map(arm).collect()
}

fn names(n: usize) -> String {
    (0..n).map(|i| format!("a{i}, ")).collect()
}

fn parts(way: &Way, method: &str) -> Vec<String> {
    parts_of(way, |i, p| format!("{}a{i}.{method}(){}", p.around.0, p.around.1))
}

fn parts_of(way: &Way, one: impl Fn(usize, &Making) -> String) -> Vec<String> {
    way.parts.iter().enumerate().map(|(i, p)| one(i, p)).collect()
}

fn hole(part: &Making) -> String {
    format!("{}{{}}{}", part.around.0, part.around.1)
}

/// The template with its holes filled and its doubled braces single.
fn filled(template: &str, parts: &[String]) -> String {
    kept(&template.replace("{{", "\u{1}").replace("}}", "\u{2}"), parts).replace('\u{1}', "{").replace('\u{2}', "}")
}

/// The template with its holes filled.
fn kept(template: &str, parts: &[String]) -> String {
    let mut pieces = template.split("{}");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for (piece, part) in pieces.zip(parts) {
        text.push_str(part);
        text.push_str(piece);
    }
    text
}
